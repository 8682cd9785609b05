using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

/// <summary>A small client of Liên Thông: .NET 8 and nothing else. dotnet run -- vectors FOLDER | send FILE --to ADDRESS | receive [FOLDER]
/// LIENTHONG_KEY_FILE names the key file (as `lienthong admin keys issue --out` writes it), LIENTHONG_URL another platform than it says.</summary>
class Client {
    static readonly HttpClient Http = new HttpClient();
    readonly string baseUrl, keyId, alg, secret;
    readonly JsonNode key;

    Client(string baseUrl, string keyId, string alg, string secret, JsonNode key = null) {
        this.baseUrl = baseUrl; this.keyId = keyId; this.alg = alg; this.secret = secret; this.key = key;
    }
    static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
    static string Sha256(byte[] bytes) => Convert.ToBase64String(SHA256.Create().ComputeHash(bytes));

    byte[] MakeSignature(byte[] text) {
        if (alg == "hmac-sha256") return new HMACSHA256(Bytes(secret)).ComputeHash(text); // the bytes of its text, never decoded
        if (alg == "hmac-sha1") return new HMACSHA1(Bytes(secret)).ComputeHash(text);
        var rsa = RSA.Create();
        rsa.ImportFromPem((string)key["privateKeyPem"]);
        if (alg == "rsa-v1_5-sha256") return rsa.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return rsa.SignData(text, HashAlgorithmName.SHA512, RSASignaturePadding.Pss); // .NET's salt is as long as the hash: the 64 bytes asked for
    }

    /// <summary>The text to sign, the parameters of the signature, the Content-Digest (null without a body).</summary>
    string[] SignatureBase(string method, string target, byte[] body, string created, string nonce, IEnumerable<string[]> cover) {
        if (!Regex.IsMatch(target, @"^/[!""$-~]*\z")) throw new FormatException("the target must be /path?query, percent-encoded, as it will be sent");
        var parts = target.Split(new[] { '?' }, 2);
        var values = new List<string[]> { new[] { "@method", method }, new[] { "@path", parts[0] }, new[] { "@query", "?" + (parts.Length > 1 ? parts[1] : "") } };
        var digest = body.Length > 0 ? $"sha-256=:{Sha256(body)}:" : null;
        if (digest != null) values.Add(new[] { "content-digest", digest });
        values.AddRange(cover); // more than the protocol asks
        var covered = string.Join(" ", values.Select(v => $"\"{v[0]}\""));
        var parameters = $"({covered});created={created};nonce=\"{nonce}\";keyid=\"{keyId}\";alg=\"{alg}\"";
        return new[] { string.Concat(values.Select(v => $"\"{v[0]}\": {v[1]}\n")) + $"\"@signature-params\": {parameters}", parameters, digest };
    }
    JsonNode Call(string method, string target, object json = null, string idempotencyKey = null) {
        var body = json == null ? new byte[0] : Bytes(JsonSerializer.Serialize(json));
        var created = DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(); // like the nonce new for every request, a retry too
        var made = SignatureBase(method, target, body, created, NewId(), new string[0][]);
        var headers = new Dictionary<string, string> { ["Signature-Input"] = $"sig={made[1]}", ["Signature"] = $"sig=:{Convert.ToBase64String(MakeSignature(Bytes(made[0])))}:" };
        if (made[2] != null) headers["Content-Digest"] = made[2];
        if (idempotencyKey != null) headers["Idempotency-Key"] = idempotencyKey;
        return JsonNode.Parse(Encoding.UTF8.GetString(Fetch(method, baseUrl + target, body, headers)));
    }
    static string NewId() {
        var random = new byte[18];
        RandomNumberGenerator.Create().GetBytes(random);
        return BitConverter.ToString(random).Replace("-", "");
    }
    static byte[] Fetch(string method, string url, byte[] body, IEnumerable<KeyValuePair<string, string>> headers) {
        var request = new HttpRequestMessage(new HttpMethod(method), url);
        request.Headers.TryAddWithoutValidation("Accept-Language", "en");
        foreach (var header in headers) request.Headers.TryAddWithoutValidation(header.Key, header.Value);
        if (body.Length > 0) request.Content = new ByteArrayContent(body);
        request.Content?.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        var response = Http.SendAsync(request).GetAwaiter().GetResult();
        var answer = response.Content.ReadAsByteArrayAsync().GetAwaiter().GetResult();
        if (!response.IsSuccessStatusCode) throw new Exception($"{(int)response.StatusCode} {Encoding.UTF8.GetString(answer)}"); // says what to do next
        return answer;
    }
    static Client Session() {
        var key = JsonNode.Parse(File.ReadAllText(Environment.GetEnvironmentVariable("LIENTHONG_KEY_FILE")));
        var secret = (string)key["secretKey"];
        var url = (Environment.GetEnvironmentVariable("LIENTHONG_URL") ?? (string)key["baseUrl"]).TrimEnd('/');
        var client = new Client(url, (string)key["accessKey"], (string)key["algorithm"] ?? (secret != null ? "hmac-sha256" : "rsa-pss-sha512"), secret, key);
        var opened = client.Call("POST", "/v1/sessions", new { }); // S1, S5: from here on the session signs
        return new Client(url, (string)opened["sessionId"], "hmac-sha256", (string)opened["sessionKey"]);
    }
    void Send(string file, string address) {
        var part = new { name = Path.GetFileName(file), mediaType = "application/octet-stream", content = Convert.ToBase64String(File.ReadAllBytes(file)) }; // up to 256 KiB
        var packet = new { to = new[] { address }, title = part.name, dataType = "file", protocol = "inline", parts = new[] { part } };
        Console.WriteLine($"sent {(string)Call("POST", "/v1/packets", packet, NewId())["packetId"]}");
    }
    void Receive(string folder) {
        foreach (var delivery in Call("GET", "/v1/deliveries")["items"].AsArray()) {
            var id = (string)delivery["deliveryId"];
            var parts = new List<object>();
            foreach (var part in Call("POST", $"/v1/deliveries/{id}/ready")["space"]["downloads"].AsArray()) {
                var headers = part["headers"].AsObject().Select(h => new KeyValuePair<string, string>(h.Key, (string)h.Value));
                var content = Fetch("GET", (string)part["url"], new byte[0], headers); // nothing to sign: the address itself is
                var digest = Sha256(content);
                if (digest != (string)part["sha256"]) throw new Exception("arrived damaged; nothing is confirmed");
                File.WriteAllBytes(Path.Combine(folder, $"{id}-{parts.Count}"), content); // the part's own name is somebody else's text: never a path of ours
                parts.Add(new { name = (string)part["part"], sha256 = digest });
            }
            var confirmed = Call("POST", $"/v1/deliveries/{id}/confirm", new { outcome = "accepted", parts });
            Console.WriteLine($"received {(string)delivery["packetId"]} {(string)confirmed["state"]}");
        }
    }
    static List<string> All(JsonNode headers, string name) => headers.AsArray().Where(h => ((string)h[0]).ToLowerInvariant() == name).Select(h => (string)h[1]).ToList();
    static string One(JsonNode headers, string name) => All(headers, name).Count == 1 ? All(headers, name)[0].Trim(' ', '\t') : throw new FormatException(name + " must be there once");

    /// <summary>Whether a request is to the byte what this client makes of it; the salted PSS signature must verify instead.</summary>
    bool AsWeSign(JsonNode vector, JsonNode headers) {
        var form = Regex.Match(One(headers, "signature-input"), @"^sig=\(([^()]*)\);created=([0-9]+);nonce=""([A-Za-z0-9_.~-]{16,64})"";keyid=""([^""]+)"";alg=""([^""]+)""\z");
        if (!form.Success || form.Groups[4].Value != keyId || form.Groups[5].Value != alg || Math.Abs((long)vector["now"] - long.Parse(form.Groups[2].Value)) > 300) return false;
        var cover = form.Groups[1].Value.Replace("\"", "").Split(' ').Skip(3).Where(name => name != "content-digest")
            .Select(name => new[] { name, name == "@authority" ? One(headers, "host").ToLowerInvariant() : One(headers, name) }).ToList();
        var request = vector["request"];
        var body = Convert.FromBase64String((string)request["body"] ?? "");
        var made = SignatureBase((string)request["method"], (string)request["target"], body, form.Groups[2].Value, form.Groups[3].Value, cover);
        var digest = made[2] == null ? new string[0] : new[] { made[2] };
        return form.Value == "sig=" + made[1] && All(headers, "content-digest").SequenceEqual(digest) && Fits(made[0], One(headers, "signature"));
    }
    bool Fits(string text, string header) {
        var signature = Convert.FromBase64String(Regex.Replace(header, "^sig=:|:$", ""));
        if (alg != "rsa-pss-sha512" || header != $"sig=:{Convert.ToBase64String(signature)}:") return header == $"sig=:{Convert.ToBase64String(MakeSignature(Bytes(text)))}:";
        var rsa = RSA.Create();
        rsa.ImportFromPem((string)key["publicKeyPem"]);
        return rsa.VerifyData(Bytes(text), signature, HashAlgorithmName.SHA512, RSASignaturePadding.Pss);
    }
    static int Vectors(string folder) {
        var data = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "signatures.json")));
        var count = new Dictionary<string, int>();
        var wrong = 0;
        foreach (var vector in data["cases"].AsArray()) {
            var key = data["keys"][(string)vector["key"]];
            var client = new Client("", (string)vector["key"], (string)key["alg"], (string)key["secret"], key);
            bool good = (string)vector["expect"] == "ok", held = false;
            try { // a good case without `sign` has a form that servers take and this client does not make
                var headers = vector["request"]["headers"];
                held = !good || vector["sign"] != null ? client.AsWeSign(vector, headers) : client.Fits((string)vector["base"], One(headers, "signature"));
            }
            catch (FormatException) { } // not base64, or nothing that it would sign
            count[client.alg + good] = (count.TryGetValue(client.alg + good, out var before) ? before : 0) + (held == good ? 1 : 0);
            if (held != good) Console.Error.WriteLine($"WRONG {(string)vector["name"]} {++wrong}");
        }
        foreach (var alg in new[] { "hmac-sha256", "hmac-sha1", "rsa-pss-sha512", "rsa-v1_5-sha256" })
            Console.WriteLine($"{alg}: {count[alg + true]} good reproduced, {count[alg + false]} bad flagged");
        return wrong == 0 ? 0 : 1;
    }
    static int Main(string[] words) {
        if (words.Length == 2 && words[0] == "vectors") return Vectors(words[1]);
        if (words.Length == 4 && words[0] == "send" && words[2] == "--to") Session().Send(words[1], words[3]);
        else if (words.Length > 0 && words[0] == "receive") Session().Receive(words.Length > 1 ? words[1] : ".");
        else return 2;
        return 0;
    }
}
