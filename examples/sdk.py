from liftgate import completion, create_file

file = create_file(file="examples/talk.mp4")
answer = completion("gemini-flash-latest", [{"role": "user", "content": [
    {"type": "text", "text": "When does the ferry leave?"},
    {"type": "file", "file": {"file_id": file.id}},
]}])
print(answer.choices[0].message.content)
