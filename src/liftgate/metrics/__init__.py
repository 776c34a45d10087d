"""Numbers for operators, in Prometheus' and OpenMetrics' text forms: exact over processes that come and go."""
