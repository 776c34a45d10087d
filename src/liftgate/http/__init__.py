"""Our HTTP/1.1 client: connections, their pool, requests, proxies. It knows no Gemini."""
