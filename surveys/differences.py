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
    "required_message": Text("必答说明", "required message"),
    "warning_message": Text("提醒说明", "warning message"),
    "external": Text("选项来源", "choices from"),
    "min_rows": Text("最少行数", "least rows"),
    "max_rows": Text("最多行数", "most rows"),
    "parameters": Text("参数", "parameters"),
    "read_only": Text("只读", "read-only"),
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


_COLUMNS = {"label": Text("文字", "wording"), "score": Text("分值", "score")}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Text]:
    """One sentence for each question or choice that came, went, moved or changed; in the order of the new form."""
    return [*_settings(old, new), *_questions(old, new), *_choices(old, new)]


_SETTINGS = {"title": Text("表名", "title"), "scoring": Text("计分方法", "scoring"), "score_when": Text("计分条件", "scored when"),
             "anonymous": Text("匿名", "anonymous"), "instance_name": Text("答卷名称", "instance name")}  # fmt: skip


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Text]:
    for key, word in _SETTINGS.items():
        for spoken, one, other in _changed(old.get(key), new.get(key)):
            sentence = Text("问卷的{aspect}由“{old}”改为“{new}”", "The form's {aspect} was “{old}”, now “{new}”")
            yield sentence.fill(aspect=_named(word, spoken), old=_said(one), new=_said(other))


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
            for spoken, one, other in _changed(was.get(aspect), entry.get(aspect)):
                sentence = Text(
                    "“{label}”({name})的{aspect}由“{old}”改为“{new}”",
                    "“{label}” ({name}): {aspect} was “{old}”, now “{new}”",
                )
                aspect_said = _named(word, spoken)
                yield sentence.fill(label=label, name=name, aspect=aspect_said, old=_said(one), new=_said(other))
    for name, (entry, _) in before.items():
        if name not in after:
            label = told(entry.get("label")) or Text(name, name)
            yield Text("删除“{label}”({name})", "“{label}” ({name}) was removed").fill(label=label, name=name)


def _changed(old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """What differs: a text by each language in which it does, anything else as it is."""
    if not isinstance(old, Mapping) and not isinstance(new, Mapping):
        if old != new:
            yield "", old, new
        return
    before, after = old or {}, new or {}
    for language in [*before, *(each for each in after if each not in before)]:
        if before.get(language) != after.get(language):
            yield language, before.get(language), after.get(language)


def _named(word: Text, spoken: str) -> Text:
    return Text(f"{word}({spoken})", f"{word.en} ({spoken})") if spoken else word


def _said(value: Any) -> Text:
    if value is None:
        return Text("无", "none")
    if isinstance(value, bool):
        return Text("是", "yes") if value else Text("否", "no")
    return Text(str(value), str(value))


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
            else:
                yield from _choice(name, label, before[code], item)
        for code, item in before.items():
            if code not in after:
                label = told(item.get("label")) or Text(code, code)
                yield Text("选项表 {list} 删除“{label}”", "“{label}” was removed from the list {list}").fill(
                    list=name, label=label
                )


def _choice(list_name: str, label: Text, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Text]:
    for column in [*old, *(each for each in new if each not in old)]:
        for spoken, one, other in _changed(old.get(column), new.get(column)):
            sentence = Text(
                "选项表 {list} 的“{label}”({code}):{column}由“{old}”改为“{new}”",
                "“{label}” ({code}) in the list {list}: {column} was “{old}”, now “{new}”",
            )
            said = _named(_COLUMNS.get(column, Text(column, column)), spoken)
            yield sentence.fill(
                list=list_name, label=label, code=new["name"], column=said, old=_said(one), new=_said(other)
            )
