"""What OpenAPI says of the doors that take and give bytes: they are plain views, which no generator can read."""

from __future__ import annotations

from typing import Any

from api.photos import VARIANTS

Part = dict[str, Any]


def _header(name: str, why: str, *, schema: Part | None = None, required: bool = True) -> Part:
    return {
        "in": "header",
        "name": name,
        "required": required,
        "schema": schema or {"type": "string"},
        "description": why,
    }


def _in_path(name: str, schema: Part) -> Part:
    return {"in": "path", "name": name, "required": True, "schema": schema}


def _answer(description: str, *, headers: Part | None = None, content: Part | None = None) -> Part:
    answer: Part = {"description": description}
    if headers:
        answer["headers"] = headers
    if content:
        answer["content"] = content
    return answer


def _operation(id_: str, tag: str, description: str, parameters: list[Part], responses: Part, **more: Any) -> Part:
    return {
        "operationId": id_,
        "description": description,
        "parameters": parameters,
        "tags": [tag],
        "security": [{"bearer": []}],
        "responses": responses,
        **more,
    }


COUNT: Part = {"type": "integer", "minimum": 0, "maximum": 999_999_999_999_999}
UUID: Part = {"type": "string", "format": "uuid"}
TUS = _header(
    "Tus-Resumable", "the version of tus that the client speaks", schema={"type": "string", "enum": ["1.0.0"]}
)
CHECKSUM = _header(
    "Upload-Checksum", "`sha256`, `sha1` or `md5`, a space, and the chunk's digest in Base64", required=False
)
TOLD: Part = {
    "Tus-Resumable": {"schema": {"type": "string"}},
    "Upload-Offset": {"schema": COUNT, "description": "how many bytes have arrived"},
    "Upload-Expires": {"schema": {"type": "string"}, "description": "until when the upload can be continued"},
}
CHUNK: Part = {"content": {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
UPLOAD = _in_path("upload", UUID)
PROTOCOL = "https://tus.io/protocols/resumable-upload"


def _json(properties: Part, required: list[str]) -> Part:
    return {"application/json": {"schema": {"type": "object", "properties": properties, "required": required}}}


DIRECT_REQUEST = _json({"photo": UUID, "sha256": {"type": "string"}, "size": COUNT}, ["photo", "sha256", "size"])
DIRECT_ANSWER = _json(
    {
        "upload": UUID,
        "stored": {"type": "boolean", "description": "the bytes are here already"},
        "url": {"type": ["string", "null"], "description": "one PUT within five minutes"},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "complete": {"type": "string", "description": "where to tell that the bytes are in the bucket"},
    },
    ["upload", "stored", "url", "headers", "complete"],
)
BINARY: Part = {"schema": {"type": "string", "format": "binary"}}
PICTURES: Part = dict.fromkeys(("image/jpeg", "image/png", "image/webp", "image/heic"), BINARY)
FILE: Part = {
    "ETag": {"schema": {"type": "string"}},
    "Content-Disposition": {"schema": {"type": "string"}, "description": "`attachment` for an original"},
    "X-Content-Type-Options": {"schema": {"type": "string", "enum": ["nosniff"]}},
}
SEEN: Part = {
    "200": _answer("The file; with `link` where to fetch it without signing in", headers=FILE, content=PICTURES),
    "206": _answer("The range asked for", headers=FILE, content=PICTURES),
    "304": _answer("Not changed since"),
}
RANGES = [_header("Range", "one range of bytes", required=False), _header("If-None-Match", "an ETag", required=False)]

PATHS: dict[str, Part] = {
    "/api/v1/uploads/": {
        "post": _operation(
            "begin_upload",
            "uploads",
            f"tus 1.0.0: creation, with the first chunk in its body or without. {PROTOCOL}",
            [
                TUS,
                _header("Upload-Length", "bytes of the whole", schema=COUNT),
                _header("Upload-Metadata", "`photo`, `sha256` and perhaps `filename`, each with its value in Base64"),
                CHECKSUM,
            ],
            {
                "201": _answer(
                    "Begun, or known already when the offset is the length",
                    headers=TOLD | {"Location": {"schema": {"type": "string"}}},
                )
            },
            requestBody=CHUNK,
        ),
        "options": _operation(
            "describe_uploads",
            "uploads",
            "tus 1.0.0: which extensions, checksums and sizes are known. Nobody need be signed in.",
            [],
            {"204": _answer("In the headers `Tus-Version`, `Tus-Extension`, `Tus-Max-Size`, `Tus-Checksum-Algorithm`")},
        )
        | {"security": []},
    },
    "/api/v1/uploads/{upload}": {
        "head": _operation(
            "read_upload",
            "uploads",
            "tus 1.0.0: how far the upload has come. One that is whole but was never finished is finished now.",
            [TUS, UPLOAD],
            {"200": _answer("In the headers", headers=TOLD | {"Upload-Length": {"schema": COUNT}})},
        ),
        "patch": _operation(
            "continue_upload",
            "uploads",
            "tus 1.0.0: a chunk. The last one is answered when the whole is compared with its digest and stored.",
            [TUS, UPLOAD, _header("Upload-Offset", "where the chunk begins", schema=COUNT), CHECKSUM],
            {"204": _answer("Added", headers=TOLD)},
            requestBody=CHUNK | {"required": True},
        ),
        "delete": _operation(
            "give_up_upload", "uploads", "tus 1.0.0: termination.", [TUS, UPLOAD], {"204": _answer("Gone")}
        ),
    },
    "/api/v1/uploads/direct": {
        "post": _operation(
            "begin_direct_upload",
            "uploads",
            "A link by which a phone puts the bytes into the bucket itself; 409 `direct-not-offered` where there is none.",
            [],
            {"201": _answer("Where to put the bytes", content=DIRECT_ANSWER)},
            requestBody={"required": True, "content": DIRECT_REQUEST},
        )
    },
    "/api/v1/uploads/{upload}/complete": {
        "post": _operation(
            "complete_direct_upload",
            "uploads",
            "The bytes are in the bucket: they are read back, checked and kept. Safe to repeat.",
            [UPLOAD],
            {
                "200": _answer(
                    "Kept", content=_json({"upload": UUID, "stored": {"type": "boolean"}}, ["upload", "stored"])
                )
            },
        )
    },
    "/api/v1/photos/{photo}/{variant}": {
        "get": _operation(
            "read_photo_variant",
            "photos",
            "The bytes of a picture; 503 with `Retry-After` while the variant is being made. Originals are for the office and "
            "the author, and each reading of one is journalled.",
            [
                _in_path("photo", UUID),
                _in_path("variant", {"type": "string", "enum": list(VARIANTS)}),
                {
                    "in": "query",
                    "name": "link",
                    "required": False,
                    "schema": {"type": "string", "enum": ["", "direct"]},
                    "description": "answer a link that lives for five minutes instead, with `direct` into the bucket itself",
                },
                *RANGES,
            ],
            SEEN,
        )
    },
    "/api/v1/photos/links/{token}": {
        "get": _operation(
            "follow_photo_link",
            "photos",
            "A picture by a short-lived link. Nobody need be signed in; the link dies with its owner's right to see.",
            [_in_path("token", {"type": "string"}), *RANGES],
            SEEN,
        )
        | {"security": []}
    },
    "/api/v1/photos/check/{code}": {
        "get": _operation(
            "check_photo",
            "photos",
            "Whether the picture behind the code on a marked copy, and its record, are as they came.",
            [_in_path("code", {"type": "string"})],
            {
                "200": _answer(
                    "The verdict",
                    content=_json(
                        {
                            "untouched": {"type": "boolean"},
                            "reasons": {"type": "array", "items": {"type": "object"}},
                            "photo": {"$ref": "#/components/schemas/PhotoShape"},
                        },
                        ["untouched", "reasons", "photo"],
                    ),
                )
            },
        )
    },
}
