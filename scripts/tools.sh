# Sourced by the scripts: puts uv into the checkout (.tools), nothing anywhere else.
unset PYTHONDONTWRITEBYTECODE
export UV_CACHE_DIR="${UV_CACHE_DIR:-$PWD/.cache/uv}" PIP_DISABLE_PIP_VERSION_CHECK=1
UV=.tools/bin/uv
PYTHON=""
for candidate in python3 python3.13 python3.12 python3.11; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then PYTHON=$candidate; break; fi
done
if [ -z "$PYTHON" ]; then echo "Liftgate needs Python 3.11 or newer on the PATH." >&2; exit 1; fi
# uv brings certificates of its own and would refuse a proxy whose certificates the system, or pip's settings, trust.
if [ -z "${SSL_CERT_FILE:-}${SSL_CERT_DIR:-}" ]; then
  pips=$("$PYTHON" -m pip config list 2>/dev/null | sed -n "s/^global\.cert='\(.*\)'$/\1/p" || true)
  certificates=${PIP_CERT:-${REQUESTS_CA_BUNDLE:-$pips}}
  if [ -f "$certificates" ]; then export SSL_CERT_FILE=$certificates; fi
fi
for store in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem /System/Library; do
  if [ -e "$store" ]; then export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"; fi
done
if [ ! -x "$UV" ]; then
  "$PYTHON" -m venv .tools
  .tools/bin/python -m pip install --quiet uv==0.13.9
fi
