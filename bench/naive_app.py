"""What a Django and DRF user would write in an afternoon: three models, three serializers, one view. No journal, no scopes, no
idempotency. The peer that the sync engine is measured beside."""

from __future__ import annotations

import os

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="bench.naive_app",
    USE_TZ=True,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # it says how long an answer is
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["NAIVE_NAME"],
            "USER": os.environ["NAIVE_USER"],
            "PASSWORD": os.environ["NAIVE_PASSWORD"],
            "HOST": os.environ["NAIVE_HOST"],
            "PORT": os.environ["NAIVE_PORT"],
            "CONN_MAX_AGE": 60,
        }
    },
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None},
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import serializers  # noqa: E402
from rest_framework.response import Response as Answer  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class Visit(models.Model):
    id = models.UUIDField(primary_key=True)
    enterprise = models.UUIDField()
    mode = models.CharField(max_length=10)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    participants = models.JSONField()
    check_in = models.JSONField(null=True)
    interviewee = models.CharField(max_length=200)
    summary = models.TextField()
    status = models.CharField(max_length=10)

    class Meta:
        app_label = "naive"


class Response(models.Model):
    id = models.UUIDField(primary_key=True)
    enterprise = models.UUIDField()
    visit = models.UUIDField()
    questionnaire = models.CharField(max_length=64)
    version = models.IntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=10)
    answers = models.JSONField()

    class Meta:
        app_label = "naive"


class Issue(models.Model):
    id = models.UUIDField(primary_key=True)
    enterprise = models.UUIDField()
    visit = models.UUIDField()
    category = models.CharField(max_length=40)
    description = models.TextField()
    severity = models.CharField(max_length=10)
    workers_affected = models.IntegerField(null=True)
    occurred_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "naive"


def serializer(of: type[models.Model]) -> type[serializers.ModelSerializer]:  # type: ignore[type-arg]
    meta = type("Meta", (), {"model": of, "fields": "__all__"})
    return type(f"{of.__name__}Serializer", (serializers.ModelSerializer,), {"Meta": meta})


SERIALIZERS = {"visits": serializer(Visit), "responses": serializer(Response), "issues": serializer(Issue)}


class Push(APIView):
    @transaction.atomic
    def post(self, request):  # type: ignore[no-untyped-def]
        results = []
        for name, shape in SERIALIZERS.items():
            found = [m["data"] | {"id": m["record"]} for m in request.data["mutations"] if m["collection"] == name]
            reader = shape(data=found, many=True)
            reader.is_valid(raise_exception=True)
            made = shape.Meta.model.objects.bulk_create([shape.Meta.model(**one) for one in reader.validated_data])
            results += [{"id": str(one.id), "status": "applied"} for one in made]
        return Answer({"results": results})


class Changed(APIView):
    def get(self, request):  # type: ignore[no-untyped-def]
        since = request.query_params["since"]
        found = Visit.objects.filter(started_at__gt=since).order_by("started_at")[:500]
        return Answer({"results": SERIALIZERS["visits"](found, many=True).data})


urlpatterns = [path("push", Push.as_view()), path("changed", Changed.as_view())]
application = get_wsgi_application()


def create_tables() -> None:
    with connection.schema_editor() as editor:
        for model in (Visit, Response, Issue):
            editor.create_model(model)


if __name__ == "__main__":
    create_tables()
