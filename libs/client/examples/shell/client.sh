#!/usr/bin/env bash
# A small client of Liên Thông: bash, openssl, curl and jq.
#   client.sh vectors <folder> | send <file> --to <address> | receive [<folder>]
# LIENTHONG_KEY_FILE names the key file (as `lienthong admin keys issue --out` writes it), LIENTHONG_URL another platform than it says.
# While openssl computes an HMAC, its secret stands in the list of processes: on a machine of many users take an RSA key, or another language.
set -euo pipefail
export LC_ALL=C.UTF-8 # ranges such as a-z mean ASCII
work=$(mktemp -d) # mode 0700
trap 'rm -rf "$work"' EXIT
b64() { openssl base64 -A; }
# make_signature ALG SECRET_OR_PEM_FILE < base
make_signature() {
  case $1 in
    hmac-sha256) openssl dgst -sha256 -mac HMAC -macopt "key:$2" -binary ;; # the secret is the bytes of its text, never decoded
    hmac-sha1) openssl dgst -sha1 -mac HMAC -macopt "key:$2" -binary ;;
    rsa-pss-sha512) openssl dgst -sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:64 -sign "$2" ;;
    rsa-v1_5-sha256) openssl dgst -sha256 -sign "$2" ;;
  esac
}
# signature_base METHOD TARGET BODY_FILE KEY_ID ALG CREATED NONCE [COVERED VALUE]…: sets $base, $params and $digest ('' without a body)
signature_base() {
  local method=$1 target=$2 body=$3 tail=";created=$6;nonce=\"$7\";keyid=\"$4\";alg=\"$5\"" query=''
  [[ $target =~ ^/[\!-\"\$-~]*$ ]] || return 1 # /path?query, percent-encoded, as it will be sent
  [[ $target != *\?* ]] || query=${target#*\?}
  local names='"@method" "@path" "@query"'
  base="\"@method\": $method"$'\n'"\"@path\": ${target%%\?*}"$'\n'"\"@query\": ?$query"$'\n'
  digest=''
  if [ -s "$body" ]; then
    digest="sha-256=:$(openssl dgst -sha256 -binary "$body" | b64):"
    names+=' "content-digest"' base+="\"content-digest\": $digest"$'\n'
  fi
  shift 7
  for ((; $#; )); do # more than the protocol asks
    names+=" \"$1\"" base+="\"$1\": $2"$'\n'
    shift 2
  done
  params="($names)$tail"
  base+="\"@signature-params\": $params" # no line end after the last line
}

# call METHOD TARGET BODY [HEADER…]: signed with $key_id, $alg and $key
call() {
  local method=$1 target=$2 headers=()
  printf %s "$3" >"$work/body"
  shift 3
  # created and nonce are new for every request, a retry too
  signature_base "$method" "$target" "$work/body" "$key_id" "$alg" "$(date +%s)" "$(openssl rand -hex 16)"
  headers=("$@" "Signature-Input: sig=$params" "Signature: sig=:$(printf %s "$base" | make_signature "$alg" "$key" | b64):")
  [ -z "$digest" ] || headers+=("Content-Digest: $digest" 'Content-Type: application/json')
  fetch "$method" "$url$target" "$([ -z "$digest" ] || echo "$work/body")" "${headers[@]}"
}
# fetch METHOD URL BODY_FILE [HEADER…]: the answer; a refusal is shown, for its problem document says what to do next
fetch() {
  local method=$1 address=$2 body=$3
  shift 3
  printf '%s\n' 'Accept-Language: en' "$@" >"$work/headers"
  curl -sS --fail-with-body -m 30 -g --path-as-is -X "$method" -H @"$work/headers" ${body:+--data-binary @"$body"} -o "$work/answer" "$address" ||
    { cat "$work/answer" >&2; return 1; }
  cat "$work/answer"
}
open_session() {
  local file=$LIENTHONG_KEY_FILE opened
  url=${LIENTHONG_URL:-$(jq -r .baseUrl "$file")} url=${url%/} key_id=$(jq -r .accessKey "$file") key=$(jq -r '.secretKey // empty' "$file")
  alg=$(jq -r '.algorithm // if .secretKey then "hmac-sha256" else "rsa-pss-sha512" end' "$file")
  if [[ $alg == rsa-* ]]; then key=$work/key.pem && jq -r .privateKeyPem "$file" >"$key"; fi
  opened=$(call POST /v1/sessions '{}') # S1, S5: from here on the session signs
  key_id=$(jq -r .sessionId <<<"$opened") key=$(jq -r .sessionKey <<<"$opened") alg=hmac-sha256
}
send() {
  local packet
  openssl base64 -A -in "$1" >"$work/content" # up to 256 KiB
  packet=$(jq -cn --arg to "$2" --arg name "${1##*/}" --rawfile content "$work/content" '{ to: [$to], title: $name, dataType: "file", protocol: "inline",
    parts: [{ name: $name, mediaType: "application/octet-stream", content: $content }] }')
  echo "sent $(call POST /v1/packets "$packet" "Idempotency-Key: $(openssl rand -hex 16)" | jq -r .packetId)"
}
receive() {
  local id packet part number parts digest headers
  call GET /v1/deliveries '' | jq -r '.items[] | "\(.deliveryId) \(.packetId)"' >"$work/list"
  while read -r id packet; do
    number=0 parts='[]'
    call POST "/v1/deliveries/$id/ready" '' | jq -c '.space.downloads[]' >"$work/downloads"
    while read -r part; do
      mapfile -t headers < <(jq -r '.headers | to_entries[] | "\(.key): \(.value)"' <<<"$part")
      # Nothing to sign: the address itself is. The part's own name is somebody else's text: never a path of ours.
      fetch GET "$(jq -r .url <<<"$part")" '' "${headers[@]}" >"$1/$id-$number"
      digest=$(openssl dgst -sha256 -binary "$1/$id-$number" | b64)
      [ "$digest" = "$(jq -r .sha256 <<<"$part")" ] || { echo 'arrived damaged; nothing is confirmed' >&2; return 1; }
      parts=$(jq -c --argjson part "$part" --arg sha256 "$digest" '. + [{ name: $part.part, sha256: $sha256 }]' <<<"$parts")
      number=$((number + 1))
    done <"$work/downloads"
    echo "received $packet $(call POST "/v1/deliveries/$id/confirm" "{\"outcome\":\"accepted\",\"parts\":$parts}" | jq -r .state)"
  done <"$work/list"
}

# as_we_sign: whether the request in the variables of `vectors` is to the byte what this client makes of it
as_we_sign() {
  local form='^sig=\(([^()]*)\);created=([0-9]+);nonce="([A-Za-z0-9_.~-]{16,64})";keyid="([^"]+)";alg="([^"]+)"$' name value covered=()
  [[ ${header[signature-input]-} =~ $form ]] || return 1
  local m=("${BASH_REMATCH[@]}")
  [[ ${m[4]} == "$id" && ${m[5]} == "$alg" && $((now - m[2])) -le 300 && $((m[2] - now)) -le 300 ]] || return 1
  for name in $(tr -d \" <<<"${m[1]}"); do
    case $name in @method | @path | @query | content-digest) continue ;; @authority) value=${header[host],,} ;; *) value=${header[$name]-} ;; esac
    [[ -n $value && $value != *$'\n'* ]] || return 1 # a header must be there once
    covered+=("$name" "$value")
  done
  openssl base64 -A -d <<<"$body" >"$work/body"
  signature_base "$method" "$target" "$work/body" "$id" "$alg" "${m[2]}" "${m[3]}" "${covered[@]}" || return 1
  [[ ${m[0]} == "sig=$params" && ${header[content-digest]-} == "$digest" ]] && fits
}
# fits: whether the signature is the one over $base; the salted PSS signature must verify instead
fits() {
  local sent=${header[signature]-} text
  printf %s "$base" >"$work/base"
  text=$(make_signature "$alg" "$key" <"$work/base" | b64)
  [ "$alg" = rsa-pss-sha512 ] || { [ "$sent" = "sig=:$text:" ]; return; }
  openssl base64 -A -d <<<"${sent:5:-1}" >"$work/signature" 2>/dev/null
  # openssl passes over what follows the signature in the file, hence the comparison of lengths and of the text.
  [[ $(wc -c <"$work/signature") == $(openssl base64 -A -d <<<"$text" | wc -c) && $sent == "sig=:$(b64 <"$work/signature"):" ]] && openssl dgst -sha512 -sigopt rsa_padding_mode:pss \
    -sigopt rsa_pss_saltlen:64 -verify "$work/$id.pub" -signature "$work/signature" "$work/base" >/dev/null 2>&1
}
vectors() {
  local name id alg secret good ours method target body now held wrong=0 file=$1/signatures.json count line
  declare -A header count=()
  for id in $(jq -r '.keys | to_entries[] | select(.value.privateKeyPem).key' "$file"); do
    jq -r --arg id "$id" '.keys[$id].privateKeyPem' "$file" >"$work/$id.pem"
    jq -r --arg id "$id" '.keys[$id].publicKeyPem' "$file" >"$work/$id.pub"
  done
  # A good case without `sign` has a form that servers take and this client does not make.
  jq -r '.keys as $keys | .cases[] | .request as $r | $keys[.key] as $key | (@sh "name=\(.name) id=\(.key) alg=\($key.alg) key=\($key.secret // "") " +
    @sh "good=\(.expect == "ok") ours=\(.expect != "ok" or has("sign")) method=\($r.method) target=\($r.target) body=\($r.body // "") now=\(.now) " +
    @sh "base=\(.base // "") header=(" + ([$r.headers | group_by(.[0] | ascii_downcase)[] | @sh "[\(.[0][0] | ascii_downcase)]=" +
    @sh "\(map(.[1] | gsub("^[ \t]+|[ \t]+$"; "")) | join("\n"))"] | join(" ")) + ")" | @json)' "$file" >"$work/cases"
  while read -r line; do
    eval "$(jq -r . <<<"$line")" # quoted by jq
    [ -n "$key" ] || key=$work/$id.pem
    held=false
    if { $ours && as_we_sign; } || { ! $ours && fits; }; then held=true; fi
    if [ $held = "$good" ]; then count[$alg $good]=$((${count[$alg $good]-0} + 1)); else wrong=1 && echo "WRONG $name" >&2; fi
  done <"$work/cases"
  for alg in hmac-sha256 hmac-sha1 rsa-pss-sha512 rsa-v1_5-sha256; do
    echo "$alg: ${count[$alg true]} good reproduced, ${count[$alg false]} bad flagged"
  done
  return $wrong
}
case "${1-} ${3-}" in
  'vectors ') vectors "$2" ;;
  'send --to') open_session && send "$2" "$4" ;;
  'receive ') open_session && receive "${2-.}" ;;
  *) sed -n '2,4p' "$0" && exit 2 ;;
esac
