"""The messages of Prometheus's remote write, declared from its specification.

Version 1: https://prometheus.io/docs/specs/prw/remote_write_spec/ (``prometheus.WriteRequest``),
version 2: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/ (``io.prometheus.write.v2.Request``).
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

__all__ = ["V1", "V2", "messages"]

V1: Final = "prometheus.WriteRequest"
V2: Final = "io.prometheus.write.v2.Request"

#: Field: name, number, type, whether there are many. A type in capitals is a message of the same package.
_Field: TypeAlias = "tuple[str, int, str, bool]"

_HISTOGRAM: Final[tuple[_Field, ...]] = (
    ("count_int", 1, "uint64", False),
    ("count_float", 2, "double", False),
    ("sum", 3, "double", False),
    ("schema", 4, "sint32", False),
    ("zero_threshold", 5, "double", False),
    ("zero_count_int", 6, "uint64", False),
    ("zero_count_float", 7, "double", False),
    ("negative_spans", 8, "BucketSpan", True),
    ("negative_deltas", 9, "sint64", True),
    ("negative_counts", 10, "double", True),
    ("positive_spans", 11, "BucketSpan", True),
    ("positive_deltas", 12, "sint64", True),
    ("positive_counts", 13, "double", True),
    ("reset_hint", 14, "int32", False),
    ("timestamp", 15, "int64", False),
    ("custom_values", 16, "double", True),
)
_SPAN: Final[tuple[_Field, ...]] = (("offset", 1, "sint32", False), ("length", 2, "uint32", False))
_SAMPLE: Final[tuple[_Field, ...]] = (("value", 1, "double", False), ("timestamp", 2, "int64", False))

#: Package → message → fields.
_PACKAGES: Final[dict[str, dict[str, tuple[_Field, ...]]]] = {
    "prometheus": {
        "WriteRequest": (("timeseries", 1, "TimeSeries", True), ("metadata", 3, "MetricMetadata", True)),
        "MetricMetadata": (
            ("type", 1, "int32", False),
            ("metric_family_name", 2, "string", False),
            ("help", 4, "string", False),
            ("unit", 5, "string", False),
        ),
        "TimeSeries": (
            ("labels", 1, "Label", True),
            ("samples", 2, "Sample", True),
            ("exemplars", 3, "Exemplar", True),
            ("histograms", 4, "Histogram", True),
        ),
        "Label": (("name", 1, "string", False), ("value", 2, "string", False)),
        "Sample": _SAMPLE,
        "Exemplar": (("labels", 1, "Label", True), ("value", 2, "double", False), ("timestamp", 3, "int64", False)),
        "Histogram": _HISTOGRAM,
        "BucketSpan": _SPAN,
    },
    "io.prometheus.write.v2": {
        "Request": (("symbols", 4, "string", True), ("timeseries", 5, "TimeSeries", True)),
        "TimeSeries": (
            ("labels_refs", 1, "uint32", True),
            ("samples", 2, "Sample", True),
            ("histograms", 3, "Histogram", True),
            ("exemplars", 4, "Exemplar", True),
            ("metadata", 5, "Metadata", False),
            ("created_timestamp", 6, "int64", False),
        ),
        "Sample": _SAMPLE,
        "Exemplar": (
            ("labels_refs", 1, "uint32", True),
            ("value", 2, "double", False),
            ("timestamp", 3, "int64", False),
        ),
        "Metadata": (("type", 1, "int32", False), ("help_ref", 3, "uint32", False), ("unit_ref", 4, "uint32", False)),
        "Histogram": _HISTOGRAM,
        "BucketSpan": _SPAN,
    },
}

_FIELD: Final = descriptor_pb2.FieldDescriptorProto


def _file(package: str) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name=f"plainview/{package.replace('.', '/')}.proto", package=package, syntax="proto3"
    )
    for name, fields in _PACKAGES[package].items():
        message = file.message_type.add(name=name)
        for field, number, kind, many in fields:
            is_message = kind[0].isupper()
            message.field.add(
                name=field,
                number=number,
                label=_FIELD.LABEL_REPEATED if many else _FIELD.LABEL_OPTIONAL,
                type=_FIELD.TYPE_MESSAGE if is_message else _FIELD.Type.Value(f"TYPE_{kind.upper()}"),
                type_name=f".{package}.{kind}" if is_message else None,
            )
    return file


def messages() -> dict[str, Any]:
    """Full name → class of message."""
    pool = descriptor_pool.DescriptorPool()
    found: dict[str, Any] = {}
    for package in _PACKAGES:
        # A pool of its own: another declaration of the same messages in this process is none of ours.
        pool.Add(_file(package))
        for name in _PACKAGES[package]:
            full = f"{package}.{name}"
            found[full] = message_factory.GetMessageClass(pool.FindMessageTypeByName(full))
    return found
