from liftgate import completion, create_file
import os
wav_data = open("examples/recording.wav", "rb").read()
file = create_file(file=wav_data, purpose="user_data",
                   extra_headers={"custom-llm-provider": "gemini"}, api_key=os.getenv("GEMINI_API_KEY"))
print(f"file: {file}")
assert file is not None
completion = completion(model="gemini-2.0-flash", messages=[{"role": "user", "content": [
    {"type": "text", "text": "What is in this recording?"},
    {"type": "file", "file": {"file_id": file.id, "filename": "my-test-name", "format": "audio/wav"}}]}])
print(completion.choices[0].message)
