"""The upstream that all gateways talk to: it answers at once, always the same, and much faster than any of them."""
