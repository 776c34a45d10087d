"""What happens to a File as a whole: it comes in, is read, is removed, and what is left over is swept.

The catalogue (rows) and the blob store (bytes) meet here and nowhere else. Gemini is not known here.
"""
