"""The wire vocabulary of the front: bodies that both the server and the streams must write alike."""
