"""What is measured against what: how each system is started and spoken to."""
