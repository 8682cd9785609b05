import static java.nio.charset.StandardCharsets.UTF_8;
import java.net.http.*;
import java.nio.file.*;
import java.security.*;
import java.security.spec.*;
import java.util.*;
import java.util.regex.*;
import java.util.stream.*;

/** A small client of Liên Thông: Java 11 and nothing else. java Client.java vectors FOLDER | send FILE --to ADDRESS | receive [FOLDER]
 * LIENTHONG_KEY_FILE names the key file (as `lienthong admin keys issue --out` writes it), LIENTHONG_URL another platform than it says. */
class Client {
  static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build(); // HTTP/2 would ask for an upgrade first
  static final PSSParameterSpec PSS = new PSSParameterSpec("SHA-512", "MGF1", MGF1ParameterSpec.SHA512, 64, 1); // Java's default: SHA-1, 20 bytes
  final String baseUrl, keyId, alg;
  final Map<String, String> key;
  Client(String baseUrl, String keyId, String alg, Map<String, String> key) { this.baseUrl = baseUrl; this.keyId = keyId; this.alg = alg; this.key = key; }
  static String b64(byte[] bytes) { return Base64.getEncoder().encodeToString(bytes); }
  static byte[] sha256(byte[] bytes) throws Exception { return MessageDigest.getInstance("SHA-256").digest(bytes); }
  static byte[] pem(String text) { return Base64.getMimeDecoder().decode(text.replaceAll("-----[^-]+-----", "")); }
  byte[] makeSignature(byte[] base) throws Exception {
    if (alg.startsWith("hmac-")) {
      var mac = javax.crypto.Mac.getInstance(alg.equals("hmac-sha1") ? "HmacSHA1" : "HmacSHA256");
      mac.init(new javax.crypto.spec.SecretKeySpec(key.get("secretKey").getBytes(UTF_8), mac.getAlgorithm())); // the bytes of its text, never decoded
      return mac.doFinal(base);
    }
    Signature rsa = Signature.getInstance(alg.equals("rsa-pss-sha512") ? "RSASSA-PSS" : "SHA256withRSA");
    if (alg.equals("rsa-pss-sha512")) rsa.setParameter(PSS);
    rsa.initSign(KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pem(key.get("privateKeyPem")))));
    rsa.update(base); return rsa.sign();
  }
  /** { the text to sign, the parameters of the signature, the Content-Digest (null without a body) }. */
  String[] signatureBase(String method, String target, byte[] body, String created, String nonce, List<String> cover, List<?> headers) throws Exception {
    if (!target.matches("/[!\"$-~]*")) throw new IllegalArgumentException("the target must be /path?query, percent-encoded, as it will be sent");
    var value = new LinkedHashMap<>(Map.of("@method", method));
    value.put("@path", target.split("\\?", 2)[0]);
    value.put("@query", "?" + target.replaceFirst("^[^?]*\\??", ""));
    if (body.length > 0) value.put("content-digest", "sha-256=:" + b64(sha256(body)) + ":");
    for (String name : cover) value.put(name, name.equals("@authority") ? one(headers, "host").toLowerCase(Locale.ROOT) : one(headers, name).strip());
    String covered = value.keySet().stream().map(name -> '"' + name + '"').collect(Collectors.joining(" "));
    String params = "(" + covered + ");created=" + created + ";nonce=\"" + nonce + "\";keyid=\"" + keyId + "\";alg=\"" + alg + "\"";
    String lines = value.entrySet().stream().map(e -> '"' + e.getKey() + "\": " + e.getValue() + "\n").collect(Collectors.joining());
    return new String[] { lines + "\"@signature-params\": " + params, params, value.get("content-digest") };
  }
  Object call(String method, String target, String json, String... more) throws Exception {
    byte[] body = json.getBytes(UTF_8), random = new byte[18];
    new SecureRandom().nextBytes(random); // a new nonce for every request, a retry too
    String nonce = Base64.getUrlEncoder().encodeToString(random), created = "" + System.currentTimeMillis() / 1000;
    String[] base = signatureBase(method, target, body, created, nonce, List.of(), List.of());
    var headers = new HashMap<>(Map.of("Signature-Input", "sig=" + base[1], "Signature", "sig=:" + b64(makeSignature(base[0].getBytes(UTF_8))) + ":"));
    if (body.length > 0) headers.putAll(Map.of("Content-Digest", base[2], "Content-Type", "application/json"));
    if (more.length > 0) headers.put(more[0], more[1]);
    return json(new String(fetch(method, baseUrl + target, body, headers), UTF_8));
  }
  static byte[] fetch(String method, String url, byte[] body, Map<String, String> headers) throws Exception {
    var request = HttpRequest.newBuilder(java.net.URI.create(url)).header("Accept-Language", "en").method(method, HttpRequest.BodyPublishers.ofByteArray(body));
    headers.forEach(request::header);
    var answer = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    if (answer.statusCode() >= 400) throw new IllegalStateException(answer.statusCode() + " " + new String(answer.body(), UTF_8)); // says what to do
    return answer.body();
  }
  static Client session() throws Exception {
    Map<String, String> key = get(json(Files.readString(Path.of(System.getenv("LIENTHONG_KEY_FILE")))));
    String alg = key.getOrDefault("algorithm", key.get("secretKey") != null ? "hmac-sha256" : "rsa-pss-sha512");
    String url = System.getenv().getOrDefault("LIENTHONG_URL", key.get("baseUrl")).replaceAll("/$", "");
    Object opened = new Client(url, key.get("accessKey"), alg, key).call("POST", "/v1/sessions", "{}"); // S1, S5: from here on the session signs
    return new Client(url, get(opened, "sessionId"), "hmac-sha256", Map.of("secretKey", get(opened, "sessionKey")));
  }
  void send(Path file, String address) throws Exception {
    String name = quote(file.getFileName().toString()), part = "{\"name\":" + name + ",\"content\":\"" + b64(Files.readAllBytes(file)) + "\",\"mediaType\":\"application/octet-stream\"}";
    String packet = "{\"to\":[" + quote(address) + "],\"title\":" + name + ",\"dataType\":\"file\",\"protocol\":\"inline\",\"parts\":[" + part + "]}"; // up to 256 KiB
    System.out.println("sent " + get(call("POST", "/v1/packets", packet, "Idempotency-Key", UUID.randomUUID().toString()), "packetId"));
  }
  void receive(Path folder) throws Exception {
    for (Object delivery : Client.<List<?>>get(call("GET", "/v1/deliveries", ""), "items")) {
      String id = get(delivery, "deliveryId"), path = "/v1/deliveries/" + id;
      var parts = new ArrayList<String>();
      for (Object part : Client.<List<?>>get(call("POST", path + "/ready", ""), "space", "downloads")) {
        byte[] content = fetch("GET", get(part, "url"), new byte[0], get(part, "headers")); // nothing to sign: the address itself is
        String digest = b64(sha256(content));
        if (!digest.equals(get(part, "sha256"))) throw new IllegalStateException("arrived damaged; nothing is confirmed");
        Files.write(folder.resolve(id + "-" + parts.size()), content); // the part's own name is somebody else's text: never a path of ours
        parts.add("{\"name\":" + quote(get(part, "part")) + ",\"sha256\":\"" + digest + "\"}");
      }
      String confirm = "{\"outcome\":\"accepted\",\"parts\":[" + String.join(",", parts) + "]}";
      System.out.println("received " + get(delivery, "packetId") + " " + get(call("POST", path + "/confirm", confirm), "state"));
    }
  }
  static final Pattern FORM = Pattern.compile("sig=\\(([^()]*)\\);created=(\\d+);nonce=\"([\\w.~-]{16,64})\";keyid=\"([^\"]+)\";alg=\"([^\"]+)\"");
  static List<String> headersOf(List<?> headers, String name) { return headers.stream().filter(h -> name.equalsIgnoreCase(get(h, 0))).map(h -> Client.<String>get(h, 1)).collect(Collectors.toList()); }
  static String one(List<?> headers, String name) { // a covered name is in small letters, its header is there once
    return Stream.of(headersOf(headers, name)).filter(h -> h.size() == 1 && name.equals(name.toLowerCase())).findFirst().orElseThrow(IllegalArgumentException::new).get(0);
  }
  /** Whether a request is to the byte what this client makes of it; the salted PSS signature must verify instead. */
  boolean asWeSign(Object vector, List<?> headers) throws Exception {
    var form = FORM.matcher(one(headers, "signature-input"));
    if (!form.matches() || !form.group(4).equals(keyId) || !form.group(5).equals(alg) || Math.abs(Client.<Long>get(vector, "now") - Long.parseLong(form.group(2))) > 300) return false;
    var cover = Stream.of(form.group(1).replace("\"", "").split(" ")).skip(3).filter(name -> !name.equals("content-digest")).collect(Collectors.toList());
    String body = get(vector, "request", "body"), method = get(vector, "request", "method"), target = get(vector, "request", "target");
    String[] base = signatureBase(method, target, Base64.getDecoder().decode(body == null ? "" : body), form.group(2), form.group(3), cover, headers);
    var digest = base[2] == null ? List.of() : List.of(base[2]);
    return form.group().equals("sig=" + base[1]) && fits(base[0], one(headers, "signature")) && headersOf(headers, "content-digest").equals(digest);
  }
  boolean fits(String base, String text) throws Exception {
    byte[] signature = Base64.getDecoder().decode(text.replaceAll("^sig=:|:$", "")), ours = makeSignature(base.getBytes(UTF_8));
    if (!alg.equals("rsa-pss-sha512") || !text.equals("sig=:" + b64(signature) + ":")) return text.equals("sig=:" + b64(ours) + ":");
    Signature rsa = Signature.getInstance("RSASSA-PSS"); rsa.setParameter(PSS);
    rsa.initVerify(KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(pem(key.get("publicKeyPem")))));
    rsa.update(base.getBytes(UTF_8)); return signature.length == ours.length && rsa.verify(signature);
  }
  static int vectors(Path folder) throws Exception {
    Object data = json(Files.readString(folder.resolve("signatures.json"))); var count = new TreeMap<String, Integer>();
    for (Object vector : Client.<List<?>>get(data, "cases")) {
      Map<String, String> key = get(data, "keys", get(vector, "key"));
      key.put("secretKey", key.get("secret")); Client client = new Client("", get(vector, "key"), key.get("alg"), key);
      List<?> headers = get(vector, "request", "headers");
      boolean good = get(vector, "expect").equals("ok"), held = false;
      try { held = !good || get(vector, "sign") != null ? client.asWeSign(vector, headers) : client.fits(get(vector, "base"), one(headers, "signature")); }
      catch (IllegalArgumentException refused) { } // without `sign`: a form that servers take and this client does not make
      count.merge(held == good ? client.alg + good : "wrong " + get(vector, "name"), 1, Integer::sum);
    }
    for (String alg : List.of("hmac-sha256", "hmac-sha1", "rsa-pss-sha512", "rsa-v1_5-sha256"))
      System.out.println(alg + ": " + count.getOrDefault(alg + true, 0) + " good reproduced, " + count.getOrDefault(alg + false, 0) + " bad flagged");
    return (int) count.keySet().stream().filter(what -> what.startsWith("wrong")).peek(System.err::println).count();
  }
  public static void main(String... words) throws Exception {
    if (words[0].equals("vectors")) System.exit(vectors(Path.of(words[1])));
    if (words[0].equals("send") && words[2].equals("--to")) session().send(Path.of(words[1]), words[3]);
    if (words[0].equals("receive")) session().receive(Path.of(words.length > 1 ? words[1] : "."));
  }
  @SuppressWarnings("unchecked") static <T> T get(Object json, Object... path) {
    for (Object step : path) json = json instanceof Map ? ((Map<?, ?>) json).get(step) : ((List<?>) json).get((Integer) step);
    return (T) json;
  }
  /** Reads JSON, which Java cannot by itself; a program of yours takes a library. */
  static Object json(String text) {
    var tokens = Pattern.compile("[\\[\\]{}]|\"(?:[^\"\\\\]++|\\\\.)*+\"|[^\\s\\[\\]{}:,\"]+").matcher(text).results().map(MatchResult::group).iterator();
    return json(tokens, tokens.next());
  }
  static Object json(Iterator<String> tokens, String token) {
    var object = new LinkedHashMap<String, Object>(); var array = new ArrayList<Object>();
    if (token.equals("{")) for (String name = tokens.next(); !name.equals("}"); name = tokens.next()) object.put((String) json(tokens, name), json(tokens, tokens.next()));
    if (token.equals("[")) for (String item = tokens.next(); !item.equals("]"); item = tokens.next()) array.add(json(tokens, item));
    if (token.equals("{") || token.equals("[")) return token.equals("{") ? object : array;
    if (!token.startsWith("\"")) return token.equals("null") ? null : token.matches("-?\\d+") ? (Object) Long.valueOf(token) : token;
    return Pattern.compile("\\\\(?:u(....)|(.))").matcher(token.substring(1, token.length() - 1)).replaceAll(m -> Matcher.quoteReplacement(
        m.group(1) != null ? "" + (char) Integer.parseInt(m.group(1), 16) : "bfnrt".contains(m.group(2)) ? "" + "\b\f\n\r\t".charAt("bfnrt".indexOf(m.group(2))) : m.group(2)));
  }
  static String quote(String text) { return '"' + Pattern.compile("[\"\\\\\\x00-\\x1f]").matcher(text).replaceAll(m -> String.format("\\\\u%04x", (int) m.group().charAt(0))) + '"'; }
}
