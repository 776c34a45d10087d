from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:4000/v1", api_key="sk-1234")
with open("examples/talk.mp4", "rb") as video:
    file = client.files.create(file=video, purpose="user_data")
answer = client.chat.completions.create(
    model="gemini-flash-latest",
    messages=[{"role": "user", "content": [
        {"type": "text", "text": "When does the ferry leave?"},
        {"type": "file", "file": {"file_id": file.id}},
    ]}],
)
print(answer.choices[0].message.content)
