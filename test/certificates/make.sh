#!/bin/sh
# Makes the certificates of the TLS tests, valid for 100 years: an authority, and what it has signed.
# Nothing but the tests trusts them. Run it in this folder; what it makes is checked in.
set -eu

days=36500
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'

# shellcheck disable=SC2086
openssl req -x509 $key -keyout authority.key -out authority.pem -days $days -subj '/CN=searings test authority'

# signed NAME SUBJECT-ALTERNATIVE-NAMES: NAME.pem has the certificate and its key.
signed() {
  # shellcheck disable=SC2086
  openssl req $key -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
  printf 'subjectAltName=%s\n' "$2" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA authority.pem -CAkey authority.key -set_serial "0x$(openssl rand -hex 8)" \
    -days $days -extfile "$1.ext" -out "$1.crt"
  cat "$1.crt" "$1.key" >"$1.pem"
  rm "$1.csr" "$1.ext" "$1.crt" "$1.key"
}

signed server 'DNS:localhost,DNS:server.test,IP:127.0.0.1'
signed renewed 'DNS:localhost,DNS:server.test,IP:127.0.0.1'
signed other 'DNS:other.test'
signed client 'DNS:client.test'
rm authority.key

# Signed by itself: a client that nobody knows.
# shellcheck disable=SC2086
openssl req -x509 $key -keyout stranger.key -out stranger.crt -days $days -subj '/CN=stranger'
cat stranger.crt stranger.key >stranger.pem
rm stranger.crt stranger.key
