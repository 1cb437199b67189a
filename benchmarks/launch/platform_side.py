"""The platform of the benchmark: a key server that can be slow, and tokens that it signs."""

import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "http://127.0.0.1:1"  # nobody answers there; only the key server is real
CLIENT_ID = "benchmark"
DEPLOYMENT = "1"
KID = "benchmark-key"
_LTI = "https://purl.imsglobal.org/spec/lti/claim/"
_ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#"


@dataclass
class PlatformSide:
    """Signs tokens; its key server answers after `delay` seconds."""

    delay: float = 0.0
    fetches: int = 0
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def serve_keys(self) -> str:
        """Start the key server; returns its address."""
        body = json.dumps({"keys": [self._jwk()]}).encode()
        side = self

        class KeyServer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                side.fetches += 1
                time.sleep(side.delay)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Nothing: the figures are the only output."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), KeyServer)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/keys"

    def _jwk(self) -> dict[str, str]:
        numbers = self.key.public_key().public_numbers()
        n = base64.urlsafe_b64encode(numbers.n.to_bytes(256, "big")).rstrip(b"=").decode()
        return {"kty": "RSA", "kid": KID, "use": "sig", "alg": "RS256", "n": n, "e": "AQAB"}

    def token(self, *, sub: str, nonce: str, target: str, role: str = "Learner") -> str:
        """An id_token as an LMS sends it: about 1.9 kB."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "azp": CLIENT_ID,
            "sub": sub,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            "name": f"Person {sub[:8]}",
            "given_name": "Person",
            "family_name": sub[:8],
            "email": f"{sub[:12]}@students.example.edu",
            "locale": "en-US",
            f"{_LTI}message_type": "LtiResourceLinkRequest",
            f"{_LTI}version": "1.3.0",
            f"{_LTI}deployment_id": DEPLOYMENT,
            f"{_LTI}target_link_uri": target,
            f"{_LTI}resource_link": {"id": "link-1", "title": "Guest lecture"},
            f"{_LTI}roles": [f"{_ROLE}{role}"],
            f"{_LTI}context": {
                "id": "course-1",
                "label": "CHEM 101",
                "title": "Chemistry for everybody",
                "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"],
            },
            f"{_LTI}tool_platform": {
                "guid": "9d1c2b7e-benchmark",
                "name": "Benchmark University",
                "product_family_code": "desire2learn",
                "version": "10.8",
            },
            f"{_LTI}launch_presentation": {"document_target": "iframe", "return_url": f"{ISSUER}/course/1"},
            f"{_LTI}custom": {"term": "autumn"},
            "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
                "context_memberships_url": f"{ISSUER}/nrps/1",
                "service_versions": ["2.0"],
            },
        }
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": KID})


def new_person() -> str:
    """The `sub` of somebody who never launched."""
    return str(uuid.uuid4())
