"""Figures to tables, JSON and plots in docs/performance."""
