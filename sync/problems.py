"""Why a push, or one mutation of it, was refused."""

from __future__ import annotations

from core.problems import Forbidden, Invalid, Malformed, Problem, TooLarge
from core.texts import Text

MOST_MUTATIONS = 1000
MOST_BYTES = 10 * 1024 * 1024
SCHEMAS = (1,)


class BatchTooLarge(TooLarge):
    """More than a batch may hold; ``limits`` says how much that is."""

    kind = "batch-too-large"
    title = Text("一次上报的内容过多", "The batch is too large")

    def __init__(self) -> None:
        super().__init__(
            Text(
                f"一批最多 {MOST_MUTATIONS} 条、解压后 {MOST_BYTES} 字节,请分批发送",
                f"A batch holds at most {MOST_MUTATIONS} mutations and {MOST_BYTES} bytes unzipped; send it in parts",
            ),
            limits={"mutations": MOST_MUTATIONS, "bytes": MOST_BYTES},
        )


class SchemaUnsupported(Malformed):
    """The client speaks a version of the protocol that this server does not."""

    kind = "schema-unsupported"
    title = Text("不支持此同步协议版本", "This version of the protocol is not supported")

    def __init__(self) -> None:
        super().__init__(
            Text(
                "请更新应用;未上报的内容仍保存在手机上", "Please update the app; what was not sent stays on the phone"
            ),
            supported=list(SCHEMAS),
        )


class MutationReused(Invalid):
    kind = "mutation-reused"
    title = Text("此编号已用于其他内容", "This id was used for other content")


class RecordExists(Invalid):
    kind = "record-exists"
    status = 409
    title = Text("另一台设备已用此编号建立记录", "Another device has created a record with this id")


class Gone(Invalid):
    kind = "gone"
    status = 410
    title = Text("记录已被删除", "The record was deleted")


class Blocked(Invalid):
    kind = "blocked"
    status = 409
    title = Text("等待所引用的记录", "Waiting for a record that it refers to")


class OutOfScope(Forbidden):
    title = Text("记录不在您负责的范围内", "The record is outside of what you look after")


class NotPushable(Forbidden):
    title = Text("手机不能对此集合进行该操作", "A phone may not do this to this collection")


class Internal(Problem):
    """Our own fault with this one mutation: kept whole, with the traceback, to be applied once it is mended."""

    kind = "internal"
    status = 500
    title = Text("服务器处理此条内容时出错,内容已完整保存", "The server failed on this item; it is kept whole")
