"""A provider of identities on loopback: real HTTP, own keys, signed tokens, PKCE and client secret checked."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

CLIENT_ID, CLIENT_SECRET = "consola", "client-secret: with & signs, for tests"
AUDIENCE_OF_LMS = "openedx"


class Key:
    """A signing key with its public JWK."""

    def __init__(self, algorithm, kid):
        self.algorithm, self.kid = algorithm, kid
        if algorithm == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
            as_jwk = jwt.algorithms.OKPAlgorithm.to_jwk
        elif algorithm.startswith("ES"):
            self.private = ec.generate_private_key(ec.SECP256R1())
            as_jwk = jwt.algorithms.ECAlgorithm.to_jwk
        else:
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            as_jwk = jwt.algorithms.RSAAlgorithm.to_jwk
        self.public = json.loads(as_jwk(self.private.public_key()))
        self.jwk = {**self.public, "kid": kid, "use": "sig"}

    def sign(self, claims, algorithm=None, headers=None):
        headers = {"kid": self.kid} if headers is None else headers
        return jwt.encode(claims, self.private, algorithm=algorithm or self.algorithm, headers=headers)


class IdentityProvider:
    """Signs in whoever it is told to; ``change`` bends the next tokens, ``sign`` replaces their signature."""

    def __init__(self, algorithm="RS256"):
        self.key = Key(algorithm, "key-1")
        self.subject, self.user_id = "subject-of-canary", 4711
        self.change, self.sign = {}, None
        self.discovery_change, self.token_answer = {}, None
        self.codes, self.calls = {}, []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.calls.append(self.path)
                provider.answer(self, *provider.get(urlsplit(self.path)))

            def do_POST(self):
                provider.calls.append(self.path)
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                fields = {name: values[0] for name, values in form.items()}
                provider.answer(self, *provider.exchange(fields, self.headers.get("Authorization", "")))

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://localhost:{self.server.server_port}/oauth2"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def answer(handler, status, body, location=None):
        raw = json.dumps(body).encode()
        handler.send_response(status)
        if location:
            handler.send_header("Location", location)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def get(self, parts):
        match parts.path:
            case "/oauth2/.well-known/openid-configuration":
                return 200, {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/access_token",
                    "jwks_uri": f"{self.issuer}/keys",
                    **self.discovery_change,
                }
            case "/oauth2/keys":
                return 200, {"keys": [self.key.jwk]}
            case "/oauth2/authorize":
                return self.authorize({name: values[0] for name, values in parse_qs(parts.query).items()})
        return 404, {}

    def authorize(self, asked):
        assert (asked["client_id"], asked["response_type"]) == (CLIENT_ID, "code")
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        query = urlencode({"code": code, "state": asked["state"]})
        return 302, {}, f"{asked['redirect_uri']}?{query}"

    def exchange(self, fields, authorization):
        if self.token_answer is not None:
            return self.token_answer
        asked = self.codes.pop(fields.get("code"), None)  # a code counts once
        if asked is None or not self.is_client(fields, authorization):
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(fields["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if challenge != asked["code_challenge"] or fields["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        is_lms = fields.get("token_type") == "jwt"
        token = self.make_token(asked, is_lms=is_lms)
        tokens = {"access_token": token} if is_lms else {"access_token": "opaque", "id_token": token}
        return 200, {"token_type": "Bearer", "expires_in": 3600, **tokens}

    @staticmethod
    def is_client(fields, authorization):
        if authorization:
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            return tuple(unquote(part) for part in pair.split(":")) == (CLIENT_ID, CLIENT_SECRET)
        return (fields.get("client_id"), fields.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)

    def make_token(self, asked, *, is_lms):
        now = int(time.time())
        # What a provider says besides must never matter.
        claims = {
            "iss": self.issuer,
            "iat": now,
            "exp": now + 3600,
            "sub": self.subject,
            "email": "canary@example.org",
            "preferred_username": "personal-a",
            "name": "Nombre Canario",
            "administrator": True,
            "roles": ["operator", "credential_officer"],
        }
        if is_lms:
            claims |= {"aud": AUDIENCE_OF_LMS, "user_id": self.user_id, "scopes": asked["scope"].split()}
        else:
            claims |= {"aud": CLIENT_ID, "nonce": asked["nonce"]}
        claims = {name: value for name, value in {**claims, **self.change}.items() if value is not None}
        return self.sign(claims) if self.sign else self.key.sign(claims)
