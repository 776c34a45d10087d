"""Names of LiteLLM's settings that do nothing here, by section: known, so that none of them is taken for a slip.

Facts of its documentation. A name that is missing here only gets another warning: no setting that Liftgate knows.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KNOWN: dict[str, frozenset[str]] = {
    "": _words("""
        access_groups agent_list agents assistant_settings batch_settings callback_settings cost_tracking
        datadog_params default_team_settings default_vertex_config files_settings finetune_settings mcp_aliases
        mcp_servers mcp_tools plugins prompts proxy_settings search_tools semantic_filter skills tools
        vector_store_registry worker_config
    """),
    "general_settings": _words("""
        alert_to_webhook_url block_robots embedding_model alert_types alerting alerting_args alerting_threshold
        allow_client_side_credentials
        allow_cors_credentials allow_dynamic_callback_disabling allow_requests_on_db_unavailable allow_user_auth
        always_include_stream_usage auto_redirect_ui_login_to_sso background_health_check_max_tokens
        background_health_checks cache completion_model config_refresh_interval control_plane_url
        cors_allow_origins custom_key_generate custom_key_update custom_sso custom_ui_sso_sign_in_handler
        database_args database_connection_pool_limit database_connection_timeout
        database_extra_connection_params database_socket_timeout database_type database_url debug
        default_team_disabled disable_adding_master_key_hash_to_db disable_admin_ui disable_error_logs
        disable_key_rotation disable_master_key_return disable_prisma_schema_update disable_reset_budget
        disable_responses_id_security disable_retry_on_max_parallel_request_limit_error disable_show_usage_tab
        disable_spend_logs disable_spend_updates disable_vector_stores dynamodb enable_health_check_routing
        enable_loadbalancing_on_batch_endpoints enable_mcp_registry enable_public_model_hub
        experimental_ui_login forward_client_headers_to_llm_api forward_llm_provider_auth_headers
        forward_openai_org_id global_max_parallel_requests google_kms health_check_concurrency
        health_check_details health_check_interval health_check_model health_check_staleness_threshold
        image_generation_model infer_model_from_keys key_management_settings key_management_system
        litellm_key_header_name load_google_kms master_key_hash max_batch_file_records max_batch_file_size_mb
        max_batch_file_uploads_per_day max_file_downloads_per_minute max_parallel_requests max_response_size_mb
        maximum_spend_logs_cleanup_cron maximum_spend_logs_retention_interval
        maximum_spend_logs_retention_period mcp_internal_ip_ranges mcp_trusted_proxy_ranges moderation_model
        num_workers_per_model otel pass_through_endpoints pass_through_request_timeout proxy_base_url
        proxy_batch_polling_interval proxy_batch_write_at proxy_budget_rescheduler_max_time
        proxy_budget_rescheduler_min_time public_routes reject_clientside_metadata_tags require_end_user
        server_root_path service_account_settings set_verbose spend_report_frequency store_model_in_db
        store_prompts_in_spend_logs supported_db_objects token_rate_limit_type ui_access_mode ui_password
        ui_username upperbound_key use_aws_secret_manager use_azure_key_vault
        use_chat_completions_url_for_anthropic_messages use_client_credentials_pass_through_routes
        use_google_kms use_redis_transaction_buffer use_shared_health_check use_x_forwarded_for
        user_api_key_cache_ttl user_header_mappings user_header_name user_mcp_management_mode
    """),
    "litellm_settings": _words("""
        add_function_to_prompt add_user_information_to_llm_headers anthropic_beta_headers_url api_base
        check_provider_endpoint
        audit_log_callbacks audit_logs automatic_cache_control aws_sqs_callback_params azure_storage_params
        bedrock_params blog_posts_url cache cache_params cache_responses caching caching_with_models
        callback_settings callbacks content_policy_fallbacks credential_list custom_prometheus_metadata_labels
        custom_prometheus_tags custom_provider_map debug default_fallbacks_reset default_in_memory_ttl
        default_internal_user_params default_key_generate_params default_max_internal_user_budget
        default_redis_batch_cache_expiry default_redis_ttl default_team_params default_team_settings
        default_vertex_config disable_add_prefix_to_prompt disable_add_transform_inline_image_block
        disable_add_user_agent_to_request_tags disable_aiohttp_transport disable_copilot_system_to_assistant
        disable_default_user_agent disable_end_user_cost_tracking disable_end_user_cost_tracking_prometheus_only
        disable_hf_tokenizer_download disable_stop_sequence_limit disable_streaming_logging
        disable_token_counter drop_params_in_logs enable_azure_ad_token_refresh
        enable_caching_on_provider_specific_optional_params enable_end_user_cost_tracking_prometheus_only
        enable_gemini_default_video_fps enable_json_schema_validation enable_key_alias_format_validation
        enable_preview_features enable_redis_auth_cache enforced_params extra_spend_tag_headers failure_callback
        force_ipv4 forward_client_headers_to_llm_api forward_traceparent_to_llm_provider gcs_pub_sub_use_v1
        guardrail_name_config_map ignore_invalid_deployments in_memory_llm_clients_cache_size
        include_cost_in_streaming_usage initialized_langfuse_clients internal_user_budget_duration json_logs
        key_generation_settings langfuse_default_tags langfuse_host langfuse_public_key langfuse_secret
        log_raw_request_response logging max_fallbacks max_internal_user_budget_duration max_tokens
        max_ui_session_budget mcp_semantic_tool_filter model_alias_map model_cost_map_url model_fallbacks
        modify_params network_mock num_retries_per_request organization output_parse_pii post_call_rules
        pre_call_rules priority_reservation priority_reservation_settings prometheus_emit_stream_label
        prometheus_initialize_budget_metrics prometheus_latency_buckets prometheus_metrics_config
        provider_url_destination_allowed_hosts public_agent_groups public_mcp_servers public_model_groups
        public_model_groups_links redact_messages_in_exceptions redact_user_api_key_info
        require_auth_for_metrics_endpoint require_managed_files responses_api_params retry
        return_response_headers rpc_timeout s3_callback_params s3_log_callback_params secret_manager_client
        service_callback set_verbose ssl_certificate ssl_ecdh_curve ssl_security_level ssl_verify
        ssl_verify_client store_audit_logs stream_timeout success_callback supports_system_message
        suppress_debug_info tag_rate_limits telemetry timeout token turn_off_message_logging
        upperbound_key_generate_params use_aiohttp_transport use_chat_completions_api use_client
        use_litellm_proxy use_responses_api user_url_allowed_hosts user_url_validation vector_store_registry
        verbose vertex_api_base vertex_location vertex_project
    """),
    "router_settings": _words("""
        alerting_config allowed_fails_policy assistants_config async_only_mode cache_kwargs cache_params
        cache_responses caching_groups client_ttl content_policy_fallbacks cooldown_policy
        custom_routing_strategy debug_level default_litellm_params default_max_parallel_requests
        default_priority deployment_affinity_ttl_seconds disable_cooldowns enable_health_check_routing
        enable_pre_call_checks enable_tag_filtering fallback_on guardrail_list health_check_interval
        health_check_staleness_threshold ignore_invalid_deployments lowest_latency_buffer max_fallbacks
        model_group_affinity_config model_group_retry_policy num_retries_after_cooldown optional_pre_call_checks
        polling_interval provider_routing redis_db redis_host redis_password redis_port redis_ssl redis_url
        redis_username retry_after retry_policy router_general_settings routing_groups routing_strategy
        routing_strategy_args search_tools semantic_router set_verbose tag_filtering_match_any ttl
        usage_based_routing_ttl use_async_client
    """),
    "litellm_params": _words("""
        verbosity store prediction logit_bias
        fallbacks context_window_fallback_dict
        allowed_fails allowed_openai_params api_type api_version auto_router_config auto_router_default_model
        auto_router_embedding_model aws_access_key_id aws_region_name aws_secret_access_key aws_session_name
        azure_ad_token base_model bos_token budget_duration cache_control_injection_points
        cache_creation_input_token_cost cache_read_input_token_cost caching_groups client_id client_secret
        complexity_router_config configurable_clientside_auth_params cooldown cooldown_time custom_tokenizer
        default_api_key_rpm_limit default_api_key_tpm_limit description dynamic_api_key enable_caching eos_token
        final_prompt_value gcs_bucket_name hf_model_name hosted_vllm id initial_prompt_value
        input_cost_per_audio_token input_cost_per_character input_cost_per_image input_cost_per_pixel
        input_cost_per_query input_cost_per_second input_cost_per_token input_cost_per_token_above_128k_tokens
        input_cost_per_token_above_200k_tokens input_cost_per_token_batches is_vector_store litellm_metadata
        litellm_session_id litellm_system_prompt litellm_trace_id max_file_size_mb max_parallel_requests
        max_retries merge_reasoning_content_in_choices metadata mode model_config model_info no-log num_retries
        order organization output_cost_per_audio_token output_cost_per_character output_cost_per_image
        output_cost_per_pixel output_cost_per_reasoning_token output_cost_per_second output_cost_per_token
        output_cost_per_token_above_128k_tokens output_cost_per_token_above_200k_tokens
        output_cost_per_token_batches output_vector_size priority prompt_id prompt_variables region_name roles
        rpm s3_bucket_name s3_encryption_key_id search_context_cost_per_query ssl_verify stream stream_options
        stream_response_size supports_system_message tag_regex tags tiered_pricing tpm use_chat_completions_api
        use_in_pass_through use_litellm_proxy use_xai_oauth user vector_store_id vector_store_ids
        vertex_credentials vertex_location vertex_project watsonx_region_name weight
    """),
    "model_list": _words("""
        blocked created_at created_by description id model_group tags updated_at updated_by
    """),
}
"""Section ('' is the top of the file, `model_list` an entry of it) → names."""
