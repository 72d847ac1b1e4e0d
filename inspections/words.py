"""The office's words for the fields that actions carry and for the codes in them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from core.texts import Text

FIELD_NAMES: Mapping[str, Text] = {
    "text": Text("文字说明", "text"),
    "reason_code": Text("原因代码", "code of the reason"),
    "into": Text("主件编号", "the master issue"),
    "lead": Text("牵头单位", "lead"),
    "assists": Text("协办单位", "assisting"),
    "deadline_class": Text("时限类别", "deadline class"),
    "handler": Text("经办人", "handler"),
    "ground": Text("理由", "ground"),
    "suggested_department": Text("建议转办单位", "suggested department"),
    "reason": Text("原因", "reason"),
    "workdays": Text("延期工作日", "working days"),
    "until": Text("预计恢复日期", "expected end"),
    "document": Text("依据材料(照片编号)", "document (a photo's id)"),
    "outcome": Text("办理结果", "outcome"),
    "evidence": Text("佐证照片编号", "evidence (photos' ids)"),
    "satisfaction": Text("满意度", "satisfaction"),
    "solved": Text("是否解决", "solved"),
    "method": Text("回访方式", "how it was asked"),
    "new_facts": Text("新情况", "new facts"),
    "department": Text("单位", "department"),
}
CHOICE_NAMES: Mapping[str, Text] = {
    "statutory_procedure": Text("法定程序", "a statutory procedure"),
    "waiting_for_applicant": Text("等待申请人", "waiting for the applicant"),
    "waiting_for_superior": Text("等待上级", "waiting for a superior body"),
    "seasonal_window": Text("季节因素", "a seasonal window"),
    "construction_period": Text("施工周期", "the construction period"),
    "solved": Text("已解决", "solved"),
    "partly": Text("部分解决", "partly solved"),
    "explained": Text("解释说明", "explained"),
    "not_yet": Text("暂不具备条件", "not yet possible"),
    "very_satisfied": Text("非常满意", "very satisfied"),
    "satisfied": Text("满意", "satisfied"),
    "fairly_satisfied": Text("基本满意", "fairly satisfied"),
    "dissatisfied": Text("不满意", "dissatisfied"),
    "very_dissatisfied": Text("非常不满意", "very dissatisfied"),
    "not_rated": Text("未评价", "not rated"),
    "on_site": Text("现场", "on site"),
    "phone": Text("电话", "by phone"),
    "message": Text("短信", "by message"),
}
COLOUR_NAMES: Mapping[str, Text] = {
    "none": Text("正常", "none"),
    "blue": Text("蓝", "blue"),
    "yellow": Text("黄", "yellow"),
    "red": Text("红", "red"),
}


def of(code: str) -> Text:
    """The words for a code; one that has none stands for itself."""
    return CHOICE_NAMES.get(code) or Text(code, code)
