# Sourced by the scripts: puts uv into the checkout (.tools), nothing anywhere else.
unset PYTHONDONTWRITEBYTECODE
export UV_CACHE_DIR="${UV_CACHE_DIR:-$PWD/.cache/uv}" PIP_DISABLE_PIP_VERSION_CHECK=1
UV=.tools/bin/uv
PYTHON=""
for candidate in python3 python3.13 python3.12 python3.11; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then PYTHON=$candidate; break; fi
done
if [ -z "$PYTHON" ]; then echo "Liftgate needs Python 3.11 or newer on the PATH." >&2; exit 1; fi
if [ ! -x "$UV" ]; then
  "$PYTHON" -m venv .tools
  .tools/bin/python -m pip install --quiet uv==0.13.9
fi
