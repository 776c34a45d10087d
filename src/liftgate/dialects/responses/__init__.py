"""OpenAI's Responses: input items → Gemini's request, and answers as items and events (docs/protocol/openai.md)."""
