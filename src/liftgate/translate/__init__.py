"""OpenAI chat ⇄ Gemini generateContent, as pure functions: no I/O, no clock, no logger, no ids minted.

Two phases: `file_needs` says which files a request needs; `chat_request.translate_chat` makes the Gemini body once they
are resolved. `answer.AnswerFold` folds Gemini's replies, streamed or not, into one OpenAI completion. `field_table`
says of every field on both sides what becomes of it. Called by the engine.
"""
