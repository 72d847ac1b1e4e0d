"""What changed between two versions of a questionnaire, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.texts import Text
from surveys.definition import told, walk

_ASPECTS: dict[str, Text] = {
    "type": Text("题型", "type"),
    "label": Text("文字", "wording"),
    "hint": Text("提示", "hint"),
    "required": Text("是否必答", "required"),
    "relevant": Text("显示条件", "condition"),
    "constraint": Text("约束", "constraint"),
    "constraint_message": Text("约束说明", "constraint message"),
    "warning": Text("提醒条件", "warning"),
    "calculation": Text("计算", "calculation"),
    "default": Text("默认值", "default"),
    "filter": Text("选项筛选", "choice filter"),
    "count": Text("重复次数", "repeat count"),
    "score": Text("计分", "score"),
    "dimension": Text("维度", "dimension"),
    "list": Text("选项表", "choice list"),
    "appearance": Text("外观", "appearance"),
    "prefill": Text("预填", "prefilled with"),
}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Text]:
    """One sentence for each question or choice that came, went, moved or changed; in the order of the new form."""
    return [*_questions(old, new), *_choices(old, new)]


def _questions(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Text]:
    before = {place.name: (entry, place) for entry, place in walk(old["questions"])}
    after = {place.name: (entry, place) for entry, place in walk(new["questions"])}
    for name, (entry, place) in after.items():
        label = told(entry.get("label")) or Text(name, name)
        if name not in before:
            yield Text("新增“{label}”({name})", "“{label}” ({name}) was added").fill(label=label, name=name)
            continue
        was, there = before[name]
        if there.path != place.path:
            yield Text("“{label}”({name})移到了别的组", "“{label}” ({name}) moved to another group").fill(
                label=label, name=name
            )
        for aspect, word in _ASPECTS.items():
            if was.get(aspect) != entry.get(aspect):
                sentence = Text(
                    "“{label}”({name})的{aspect}由“{old}”改为“{new}”",
                    "“{label}” ({name}): {aspect} was “{old}”, now “{new}”",
                )
                yield sentence.fill(
                    label=label, name=name, aspect=word, old=_said(was.get(aspect)), new=_said(entry.get(aspect))
                )
    for name, (entry, _) in before.items():
        if name not in after:
            label = told(entry.get("label")) or Text(name, name)
            yield Text("删除“{label}”({name})", "“{label}” ({name}) was removed").fill(label=label, name=name)


def _said(value: Any) -> Text:
    if isinstance(value, Mapping):
        return told(value) or Text("", "")
    plain = {None: "", True: "yes", False: "no"}.get(value, value) if not isinstance(value, list) else str(value)
    return Text(str(plain), str(plain))


def _choices(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Text]:
    lists_before, lists_after = old.get("lists", {}), new.get("lists", {})
    for name in [*lists_after, *(each for each in lists_before if each not in lists_after)]:
        before = {item["name"]: item for item in lists_before.get(name, ())}
        after = {item["name"]: item for item in lists_after.get(name, ())}
        for code, item in after.items():
            label = told(item.get("label")) or Text(code, code)
            if code not in before:
                yield Text("选项表 {list} 新增“{label}”", "“{label}” was added to the list {list}").fill(
                    list=name, label=label
                )
            elif before[code] != item:
                yield Text("选项表 {list} 的“{label}”有改动", "“{label}” in the list {list} changed").fill(
                    list=name, label=label
                )
        for code, item in before.items():
            if code not in after:
                label = told(item.get("label")) or Text(code, code)
                yield Text("选项表 {list} 删除“{label}”", "“{label}” was removed from the list {list}").fill(
                    list=name, label=label
                )
