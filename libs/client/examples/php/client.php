#!/usr/bin/env php
<?php
// A small client of Liên Thông: PHP 8 with the extensions openssl and curl.
//   php client.php vectors <folder> | send <file> --to <address> | receive [<folder>]
// LIENTHONG_KEY_FILE names the key file (as `lienthong admin keys issue --out` writes it), LIENTHONG_URL another platform than it says.
declare(strict_types=1);
const HMAC = ['hmac-sha256' => 'sha256', 'hmac-sha1' => 'sha1'];

function make_signature(string $alg, array $key, string $base): string {
    if (isset(HMAC[$alg])) { // the secret is the bytes of its text, never decoded
        return hash_hmac(HMAC[$alg], $base, $key['secretKey'], true);
    }
    if ($alg === 'rsa-v1_5-sha256') {
        openssl_sign($base, $signature, $key['privateKeyPem'], OPENSSL_ALGO_SHA256);
        return $signature;
    }
    // openssl_sign of PHP 8.2 knows no PSS: encode as RFC 8017 9.1.1 says, then the bare RSA operation.
    $private = openssl_pkey_get_private($key['privateKeyPem']);
    $bits = openssl_pkey_get_details($private)['bits'] - 1;
    openssl_private_encrypt(pss_encode(hash('sha512', $base, true), random_bytes(64), $bits), $signature, $private, OPENSSL_NO_PADDING);
    return $signature;
}
/** EMSA-PSS with SHA-512 and the given salt; $bits is one less than those of the modulus. */
function pss_encode(string $hash, string $salt, int $bits): string {
    $length = intdiv($bits + 7, 8);
    $h = hash('sha512', str_repeat("\0", 8) . $hash . $salt, true);
    $db = str_repeat("\0", $length - strlen($salt) - 66) . "\1" . $salt;
    return pss_mask($db, $h, $bits) . $h . "\xbc";
}
/** Masks or unmasks DB with MGF1, and clears the bits that are beyond the modulus. */
function pss_mask(string $db, string $h, int $bits): string {
    for ($mask = '', $n = 0; strlen($mask) < strlen($db); $n++) {
        $mask .= hash('sha512', $h . pack('N', $n), true);
    }
    $masked = $db ^ $mask; // as long as the shorter of the two
    $masked[0] = chr(ord($masked[0]) & (0xff >> (8 * intdiv($bits + 7, 8) - $bits)));
    return $masked;
}
/** @return array the text to sign, the parameters of the signature, the Content-Digest (null without a body) */
function signature_base(string $method, string $target, string $body, string $id, string $alg, $created, string $nonce, array $cover = [], array $headers = []): array {
    if (!preg_match('~^/[!"$-\~]*$~D', $target)) throw new ValueError('the target must be /path?query, percent-encoded, as it will be sent');
    [$path, $query] = explode('?', $target, 2) + [1 => ''];
    $value = ['@method' => $method, '@path' => $path, '@query' => "?$query"];
    if ($body !== '') $value['content-digest'] = 'sha-256=:' . base64_encode(hash('sha256', $body, true)) . ':';
    foreach ($cover as $name) { // more than the protocol asks; a header must be there once
        $value[$name] = $name === '@authority' ? strtolower(one($headers, 'host')) : trim(one($headers, $name), " \t");
    }
    $params = '("' . implode('" "', array_keys($value)) . "\");created=$created;nonce=\"$nonce\";keyid=\"$id\";alg=\"$alg\"";
    $lines = array_map(fn($name, $text) => "\"$name\": $text\n", array_keys($value), $value);
    return [implode($lines) . "\"@signature-params\": $params", $params, $value['content-digest'] ?? null];
}
function call(array $client, string $method, string $target, ?array $json = null, array $headers = []): array {
    [$url, $id, $alg, $key] = $client;
    $body = $json === null ? '' : json_encode($json ?: new stdClass(), JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
    // created and nonce are new for every request, a retry too
    [$base, $params, $digest] = signature_base($method, $target, $body, $id, $alg, time(), bin2hex(random_bytes(16)));
    array_push($headers, "Signature-Input: sig=$params", 'Signature: sig=:' . base64_encode(make_signature($alg, $key, $base)) . ':');
    if ($digest !== null) array_push($headers, "Content-Digest: $digest", 'Content-Type: application/json');
    return json_decode(fetch($method, $url . $target, $body, $headers), true, flags: JSON_THROW_ON_ERROR);
}
function fetch(string $method, string $url, string $body, array $headers): string {
    $curl = curl_init($url);
    curl_setopt_array($curl, [CURLOPT_CUSTOMREQUEST => $method, CURLOPT_HTTPHEADER => [...$headers, 'Accept-Language: en'], CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 30, CURLOPT_PATH_AS_IS => true] + ($body === '' ? [] : [CURLOPT_POSTFIELDS => $body]));
    $answer = curl_exec($curl);
    $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
    // the problem document says what to do next
    return $answer !== false && $status < 400 ? $answer : throw new RuntimeException("$method $target $status " . ($answer ?: curl_error($curl)));
}
function session(): array {
    $key = json_decode(file_get_contents(getenv('LIENTHONG_KEY_FILE')), true, flags: JSON_THROW_ON_ERROR);
    $alg = $key['algorithm'] ?? (isset($key['secretKey']) ? 'hmac-sha256' : 'rsa-pss-sha512');
    $url = rtrim(getenv('LIENTHONG_URL') ?: $key['baseUrl'], '/');
    $opened = call([$url, $key['accessKey'], $alg, $key], 'POST', '/v1/sessions', []); // S1, S5: from here on the session signs
    return [$url, $opened['sessionId'], 'hmac-sha256', ['secretKey' => $opened['sessionKey']]];
}
function send(array $client, string $file, string $address): void {
    $part = ['name' => basename($file), 'mediaType' => 'application/octet-stream', 'content' => base64_encode(file_get_contents($file))]; // up to 256 KiB
    $packet = ['to' => [$address], 'title' => basename($file), 'dataType' => 'file', 'protocol' => 'inline', 'parts' => [$part]];
    echo 'sent ', call($client, 'POST', '/v1/packets', $packet, ['Idempotency-Key: ' . bin2hex(random_bytes(16))])['packetId'], "\n";
}
function receive(array $client, string $folder): void {
    foreach (call($client, 'GET', '/v1/deliveries')['items'] as ['deliveryId' => $id, 'packetId' => $packet]) {
        $parts = [];
        foreach (call($client, 'POST', "/v1/deliveries/$id/ready")['space']['downloads'] as $number => $part) {
            $headers = array_map(fn($name, $text) => "$name: $text", array_keys($part['headers']), $part['headers']);
            $content = fetch('GET', $part['url'], '', $headers); // nothing to sign: the address itself is
            $digest = base64_encode(hash('sha256', $content, true));
            $digest === $part['sha256'] || throw new RuntimeException("$part[part] arrived damaged; nothing is confirmed");
            file_put_contents("$folder/$id-$number", $content); // the part's own name is somebody else's text: never a path of ours
            $parts[] = ['name' => $part['part'], 'sha256' => $digest];
        }
        echo "received $packet ", call($client, 'POST', "/v1/deliveries/$id/confirm", ['outcome' => 'accepted', 'parts' => $parts])['state'], "\n";
    }
}
function one(array $headers, string $name): string {
    $found = array_column(array_filter($headers, fn($header) => strtolower($header[0]) === $name), 1);
    return count($found) === 1 ? $found[0] : throw new ValueError("$name must be there once");
}
/** Whether a request is to the byte what this client makes of it; the salted PSS signature must verify instead. */
function as_we_sign(array $case, array $key): bool {
    ['headers' => $headers, 'method' => $method, 'target' => $target, 'body' => $body] = $case['request'];
    $form = '/^sig=\(([^()]*)\);created=(\d+);nonce="([\w.~-]{16,64})";keyid="([^"]+)";alg="([^"]+)"$/D';
    if (!preg_match($form, one($headers, 'signature-input'), $m) || [$m[4], $m[5]] !== [$case['key'], $key['alg']] || abs($case['now'] - $m[2]) > 300) {
        return false;
    }
    $cover = array_diff(array_slice(explode(' ', str_replace('"', '', $m[1])), 3), ['content-digest']);
    [$base, $params, $digest] = signature_base($method, $target, base64_decode($body ?? ''), $m[4], $m[5], $m[2], $m[3], $cover, $headers);
    $sent = array_column(array_filter($headers, fn($header) => strtolower($header[0]) === 'content-digest'), 1);
    return $m[0] === "sig=$params" && $sent === ($digest === null ? [] : [$digest]) && fits($key, $base, one($headers, 'signature'));
}
function fits(array $key, string $base, string $text): bool {
    $signature = (string) base64_decode(substr($text, 5, -1), true);
    if ($key['alg'] !== 'rsa-pss-sha512' || $text !== 'sig=:' . base64_encode($signature) . ':') {
        return $text === 'sig=:' . base64_encode(make_signature($key['alg'], $key, $base)) . ':';
    }
    $public = openssl_pkey_get_public($key['publicKeyPem']);
    $bits = openssl_pkey_get_details($public)['bits'] - 1;
    if (strlen($signature) !== intdiv($bits + 8, 8) || !openssl_public_decrypt($signature, $encoded, $public, OPENSSL_NO_PADDING)) {
        return false;
    }
    $salt = substr(pss_mask(substr($encoded, 0, -65), substr($encoded, -65, 64), $bits), -64);
    return hash_equals(pss_encode(hash('sha512', $base, true), $salt, $bits), $encoded);
}
function vectors(string $folder): int {
    $data = json_decode(file_get_contents("$folder/signatures.json"), true, flags: JSON_THROW_ON_ERROR);
    $count = $wrong = [];
    foreach ($data['cases'] as $case) {
        $key = $data['keys'][$case['key']] + ['secretKey' => $data['keys'][$case['key']]['secret'] ?? null];
        $good = $case['expect'] === 'ok';
        try { // a good case without `sign` has a form that servers take and this client does not make
            $held = !$good || isset($case['sign']) ? as_we_sign($case, $key) : fits($key, $case['base'], one($case['request']['headers'], 'signature'));
        } catch (ValueError) {
            $held = false;
        }
        $held === $good ? $count[$key['alg']][(int) $good] = ($count[$key['alg']][(int) $good] ?? 0) + 1 : $wrong[] = "WRONG $case[name]\n";
    }
    foreach (['hmac-sha256', 'hmac-sha1', 'rsa-pss-sha512', 'rsa-v1_5-sha256'] as $alg) {
        echo "$alg: {$count[$alg][1]} good reproduced, {$count[$alg][0]} bad flagged\n";
    }
    fwrite(STDERR, implode($wrong));
    return count($wrong);
}
[, $command, $word, , $address] = $argv + ['', '', '.', '', ''];
match ($command) {
    'vectors' => exit(min(1, vectors($word))),
    'send' => send(session(), $word, $address),
    'receive' => receive(session(), $word),
    default => exit(2),
};
