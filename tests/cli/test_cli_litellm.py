"""Started as LiteLLM's images and scripts start LiteLLM."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_cli_gateway import ended, fetch, started

CHAT = b'{"model":"gemini-nosuch","messages":[{"role":"user","content":"a"}]}'


@pytest.mark.parametrize("flag", ["--debug", "--detailed_debug", "--detailed-debug"])
def test_debug_writes_what_is_asked_and_each_failed_try(tmp_path: Path, flag: str) -> None:
    with started(tmp_path, "--sandbox", "--port", "0", flag) as running:
        assert fetch(f"{running.base}/v1/models")[0] == 200
        with pytest.raises(Exception, match="404"):
            fetch(
                f"{running.base}/v1/chat/completions",
                body=b'{"model":"gemini-nosuch","messages":[{"role":"user","content":"a"}]}',
            )
        _, log = running.end()
    assert "GET /v1/models 200" in log
    line = next(line for line in log.splitlines() if " failed: " in line)
    assert " DEBUG router [req_" in line and "] environment failed: NotFound: models/gemini-nosuch is not found" in line


def test_debug_reaches_workers(tmp_path: Path) -> None:
    with started(tmp_path, "--sandbox", "--port", "0", "--num_workers", "2", "--detailed_debug") as running:
        assert fetch(f"{running.base}/v1/models")[0] == 200
        _, log = running.end()
    assert "GET /v1/models 200" in log


def test_flags_of_litellms_server_are_named_and_do_nothing(tmp_path: Path) -> None:
    flags = ("--run_gunicorn", "--use_prisma_db_push", "--telemetry", "False", "--max_requests_before_restart", "100")
    with started(tmp_path, "--sandbox", "--port", "0", "--keepalive_timeout", "5", *flags) as running:
        assert fetch(f"{running.base}/v1/models")[0] == 200
        said, _ = running.end()
    for name in ("--run-gunicorn", "--use-prisma-db-push", "--telemetry", "--max-requests-before-restart"):
        assert f"{name} does nothing here." in said
    assert "keep-alive" not in said and "keepalive" not in said


@pytest.mark.parametrize("flags", [("--max_budget", "0"), ("--ssl_keyfile_path", "k"), ("--ssl_certfile_path", "c")])
def test_a_flag_that_guards_ends_the_start(tmp_path: Path, flags: tuple[str, str]) -> None:
    done = ended(tmp_path, "--sandbox", *flags)
    assert done.returncode == 2 and flags[0].replace("_", "-") in done.stderr


@pytest.mark.parametrize("flags", [("--run_gunicorn",), ("--telemetry", "False"), ("--port", "1"), ("--sandbox",)])
def test_a_flag_of_the_gateway_before_a_command_is_refused(tmp_path: Path, flags: tuple[str, ...]) -> None:
    done = ended(tmp_path, *flags, "admin", "owners")
    name = flags[0].replace("_", "-")
    assert done.returncode == 2 and f"{name} is an option of the gateway, not of a command." in done.stderr


def test_an_empty_variable_does_not_stop_the_sandbox(tmp_path: Path) -> None:
    with started(tmp_path, "--sandbox", "--port", "0", GEMINI_API_KEY="") as running:
        assert fetch(f"{running.base}/v1/models")[0] == 200


@pytest.mark.parametrize(
    "text", ["general_settings: {master_key: '${X}', custom_auth: a.b}\n", "a: &a [*a]\n", "a: 1\na: 2\n"]
)
def test_a_fault_of_the_config_is_code_2_and_a_line_each(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text("model_list: [{model_name: m, litellm_params: {model: gemini/a}}]\n" + text)
    done = ended(tmp_path, "--config", str(tmp_path / "c.yaml"), GEMINI_API_KEY="google-key-1")
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == (2 if "custom_auth" in text else 1)
    assert done.stderr.startswith("liftgate: ") and "Traceback" not in done.stderr
