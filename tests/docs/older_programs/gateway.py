from openai import OpenAI
client = OpenAI(base_url="http://0.0.0.0:4000", api_key="sk-1234")
wav_data = open("examples/recording.wav", "rb").read()
file = client.files.create(file=wav_data, purpose="user_data", extra_body={"target_model_names": "gemini-2.0-flash"})
print(f"file: {file}")
assert file is not None
completion = client.chat.completions.create(
    model="gemini-2.0-flash", modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"},
    messages=[{"role": "user", "content": [
        {"type": "text", "text": "What is in this recording?"},
        {"type": "file", "file": {"file_id": file.id, "filename": "my-test-name", "format": "audio/wav"}}]}],
    extra_body={"drop_params": True})
print(completion.choices[0].message)
