"""Audio and image output: modalities, voices, and the form in which audio comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liftgate.ask import checks
from liftgate.ask.draft import Draft

MODALITIES = ("text", "audio", "image")

VOICES: Mapping[str, str] = {
    "alloy": "Kore",
    "ash": "Charon",
    "ballad": "Enceladus",
    "cedar": "Iapetus",
    "coral": "Aoede",
    "echo": "Puck",
    "fable": "Fenrir",
    "marin": "Sulafat",
    "nova": "Leda",
    "onyx": "Orus",
    "sage": "Despina",
    "shimmer": "Zephyr",
    "verse": "Algieba",
}
"""OpenAI's voices → Google's with a like character; Google's own names are taken as they are."""
GOOGLE_VOICES = (
    "Achernar", "Achird", "Algenib", "Algieba", "Alnilam", "Aoede", "Autonoe", "Callirrhoe", "Charon", "Despina",
    "Enceladus", "Erinome", "Fenrir", "Gacrux", "Iapetus", "Kore", "Laomedeia", "Leda", "Orus", "Pulcherrima",
    "Puck", "Rasalgethi", "Sadachbia", "Sadaltager", "Schedar", "Sulafat", "Umbriel", "Vindemiatrix", "Zephyr",
    "Zubenelgenubi",
)  # fmt: skip
_VOICE_NAMES = {name.lower(): name for name in GOOGLE_VOICES}

FORMATS = ("wav", "pcm16")
OPENAI_FORMATS = ("wav", "aac", "mp3", "flac", "opus", "pcm16")


def read_modalities(draft: Draft, value: object) -> None:
    found: list[str] = []
    wanted = checks.array(value, "modalities", least=1)
    for index, each in enumerate(wanted):
        modality = checks.choice(each, f"modalities[{index}]", MODALITIES)
        if modality == "audio" and not draft.facts.audio_out:
            draft.cannot("modalities", "audio output")
        elif modality == "image" and not draft.facts.image_out:
            draft.cannot("modalities", "image output")
        elif modality.upper() not in found and (modality != "text" or draft.facts.text_out):
            found.append(modality.upper())
    if not found and not draft.facts.text_out and "audio" not in wanted:
        draft.cannot("modalities", "text output")
    draft.modalities = found


def read_audio(draft: Draft, value: object) -> None:
    """`{voice, format}`; also `language_code`. The format is given to the answer's side."""
    if not draft.facts.audio_out:
        draft.cannot("audio", "audio output")
        return
    audio = checks.mapping(value, "audio")
    draft.only(audio, "audio", frozenset({"voice", "format", "language_code"}))
    form = checks.choice(checks.required(audio, "format", "audio"), "audio.format", OPENAI_FORMATS)
    known = ("pcm16",) if draft.request.get("stream") is True else FORMATS
    if form not in known:
        names = " and ".join(f"'{name}'" for name in known)
        when = " when stream=true" if form in FORMATS else ""
        draft.leave_out(
            "audio.format",
            f"Unsupported value: 'audio.format' does not support '{form}'{when}. Supported values are: {names}.",
        )
    speech: dict[str, Any] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": _voice(audio)}}}
    if (language := audio.get("language_code")) is not None:
        speech["languageCode"] = checks.string(language, "audio.language_code")
    draft.generation["speechConfig"] = speech


def _voice(audio: dict[str, Any]) -> str:
    voice = checks.required(audio, "voice", "audio")
    if isinstance(voice, dict):
        voice = checks.required(voice, "id", "audio.voice")
    name = checks.string(voice, "audio.voice", empty=False).lower()
    found = VOICES.get(name) or _VOICE_NAMES.get(name)
    if found is None:
        raise checks.invalid_value("audio.voice", voice, (*VOICES, *GOOGLE_VOICES))
    return found


def audio_format(draft: Draft) -> str:
    """The container of audio in the answer: as asked, else wav, else what a stream can carry."""
    audio = draft.request.get("audio")
    form = audio.get("format") if isinstance(audio, dict) else None
    if draft.request.get("stream") is True:
        return "pcm16"
    return form if form in FORMATS else "wav"


def finish_outputs(draft: Draft) -> None:
    """The modalities, once `modalities` and `audio` were both read."""
    modalities = draft.modalities or []
    if not draft.facts.text_out:
        modalities = ["AUDIO"]  # a speech model can do nothing else and must be told so (GEMINI.md 3.7)
    elif "speechConfig" in draft.generation and "AUDIO" not in modalities:
        modalities = [*modalities, "AUDIO"]
    if modalities:
        draft.generation["responseModalities"] = modalities
    if draft.resolution is not None:
        draft.generation["mediaResolution"] = f"MEDIA_RESOLUTION_{draft.resolution}"
