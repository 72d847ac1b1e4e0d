"""From the bytes of an XLSForm to the compiled form that phones hold and the XForm that ODK Collect reads.

``read_xlsform(content)`` answers a :class:`Compiled` or raises :class:`BadForm` (or :class:`surveys.spreadsheet.BadWorkbook`)
with a fault for each thing wrong, named by sheet, row and column. pyxform checks the form a second time and writes the XForm;
of its work only that is used. The compiled form is described in ``docs/forms.md``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.problems import Fault, Invalid
from core.texts import Text
from surveys import beginnings, columns, oversights, personal
from surveys.definition import DIMENSIONS, EXTERNAL, SCORINGS, BadDefinition, Definition, canonical
from surveys.spreadsheet import Line, Sheet, read_workbook
from surveys.xforms import SHEETS, Refused, write_xform

FORMAT = 1
MAX_QUESTIONS = 2_000

_ROW = re.compile(r"(\b[Rr]ow\s*:?\s*)(\d+)")
_NAME = re.compile(r"[^\W\d][\w\-.]*")
_CODE = re.compile(r"[A-Za-z_][A-Za-z0-9_\-.]{0,99}")
_YES, _NO = frozenset({"yes", "true", "true()", "是"}), frozenset({"no", "false", "false()", "否", ""})
_DYNAMIC = re.compile(r"\$\{|[\w-]\(")
_QUOTES = str.maketrans("‘’“”", "''\"\"")
_EXPRESSIONS = {"relevant": "relevant", "constraint": "constraint", "warning": "warning", "calculation": "calculation",
                "choice_filter": "filter", "repeat_count": "count", "score": "score"}  # fmt: skip
_IN_SHEET = {column: header for header, column in _EXPRESSIONS.items()}
_PLAIN = ("appearance", "dimension", "trigger", "prefill", "personal")
_UNSUPPORTED_SETTINGS = ("public_key", "submission_url")


class BadForm(Invalid):
    """An XLSForm with faults; each fault's pointer is ``/sheet/row/column``."""

    kind = "bad-form"
    title = Text("问卷表单有误", "The form has faults")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A form ready to be stored: the compiled form, its hash, the XForm, and what the author may want to look at again."""

    form: dict[str, Any]
    hash: str
    xform: str
    warnings: tuple[Text, ...]

    @property
    def code(self) -> str:
        return str(self.form["id"])


def read_xlsform(content: bytes) -> Compiled:
    """Compile an XLSForm. Raises BadWorkbook or BadForm, nothing else, whatever the bytes are."""
    return compile_sheets(read_workbook(content))


def compile_sheets(sheets: Mapping[str, Sheet]) -> Compiled:
    """Compile a form from its sheets. Raises BadForm."""
    author = _Author(sheets)
    form = author.compile()
    warnings: list[str] = []
    try:
        xform = write_xform(sheets, warnings, language=None if form.get("anonymous") else author.language)
    except Refused as error:
        author.refuse_foreign(str(error))
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, RecursionError, UnicodeError) as error:
        author.refuse_foreign(f"{type(error).__name__}: {error}")
    notes = [*author.warnings, *author.passed_on(warnings)]
    return Compiled(form, hashlib.sha256(canonical(form)).hexdigest(), xform, tuple(notes))


class _Author:
    """Reads the three sheets and remembers where everything stood, so that faults can say so."""

    def __init__(self, sheets: Mapping[str, Sheet]) -> None:
        self.sheets = sheets
        self.faults: list[Fault] = []
        self.warnings: list[Text] = []
        self.language = "zh"
        self.anonymous, self.prefills = False, True
        self.spoken: dict[str, None] = {}
        self.lines: dict[str, Line] = {}  # by question
        self.headers = {
            name: {header: columns.read_header(header, name) for header in sheet.columns}
            for name, sheet in sheets.items()
            if name in SHEETS
        }

    def compile(self) -> dict[str, Any]:
        if "survey" not in self.sheets:
            self.fault("survey", None, "type", "missing-sheet", Text("缺少 survey 表", "The sheet “survey” is missing"))
            self.stop()
        settings = self.settings()
        lists = self.lists()
        questions = self.questions(lists)
        for name, code, why in beginnings.settle(questions, anonymous=self.anonymous, by_default=self.prefills):
            self.fault("survey", self.lines.get(name), "prefill", code, why)
        for name, code, why in personal.settle(questions, anonymous=self.anonymous):
            self.fault("survey", self.lines.get(name), "personal", code, why)
        self.stop()
        form = {
            "format": FORMAT, **settings, "languages": self.languages(), "lists": lists, "questions": questions,
        }  # fmt: skip
        self.add_labels(form)
        for name, column, code, why in oversights.faults(form):
            self.fault("survey", self.lines.get(name), column, code, why)
        self.stop()
        try:
            Definition(form)
        except BadDefinition as error:
            for flaw in error.flaws:
                column = _IN_SHEET.get(flaw.column, flaw.column)
                if flaw.name == "settings":
                    self.fault("settings", Line(2, {}), column, flaw.code, flaw.detail)
                else:
                    self.fault("survey", self.lines.get(flaw.name), column, flaw.code, flaw.detail)
            self.stop()
        self.warnings += oversights.remarks(form)
        return form

    # faults

    def fault(self, sheet: str, line: Line | None, column: str, code: str, why: Text) -> None:
        number = 1 if line is None else line.number
        header = next((each for each, (base, _) in self.headers.get(sheet, {}).items() if base == column), column)
        letters = self.sheets[sheet].columns.get(header, "") if sheet in self.sheets else ""
        detail = Text(
            "{sheet} 表第 {row} 行 {at} 列({header}):{why}", "Sheet {sheet}, row {row}, column {at} ({header}): {why}"
        )
        detail = detail.fill(sheet=sheet, row=number, at=letters or "?", header=header, why=why)
        self.faults.append(Fault(f"/{sheet}/{number}/{header.replace('~', '~0').replace('/', '~1')}", code, detail))

    def stop(self) -> None:
        if self.faults:
            raise BadForm(self.faults[0].detail, errors=self.faults[:100])

    def refuse_foreign(self, message: str) -> None:
        """Pass on what pyxform says, with the sheet, row and column it names."""
        named = re.search(r"On the '(\w+)' sheet, the '([^']+)' value", message)
        sheet = named[1] if named else "choices" if "choices" in message and "survey" not in message else "survey"
        message = self.with_our_rows(message) if sheet == "survey" else message
        row = _ROW.search(message)
        element = re.search(r"element named '([^']+)'", message)
        line = Line(int(row[2]), {}) if row else self.lines.get(element[1]) if element else None
        column = columns.read_header(named[2], sheet)[0] if named else "label" if "no label" in message else "type"
        said = Text("表单检查器的意见:{said}", "The form checker says: {said}").fill(said=message[:600])
        self.fault(sheet, line, column, "pyxform", said)
        self.stop()

    def with_our_rows(self, message: str) -> str:
        """A message of pyxform, whose survey has a row more: the question for the enterprise."""
        moved = 0 if self.anonymous else 1
        return _ROW.sub(lambda row: f"{row[1]}{int(row[2]) - moved}", message)

    def passed_on(self, warnings: list[str]) -> Iterator[Text]:
        """pyxform's remarks, but for those that are ours already."""
        for said in warnings:
            if "max-pixels" not in said:
                told = self.with_our_rows(said)
                yield Text(told, told)

    # cells

    def cell(self, sheet: str, line: Line, base: str) -> str:
        for header, value in line.cells.items():
            if self.headers[sheet].get(header) == (base, None):
                return value
        return ""

    def told(self, sheet: str, line: Line, base: str) -> dict[str, str]:
        """A cell in all its languages."""
        found: dict[str, str] = {}
        for header, value in line.cells.items():
            column, language = self.headers[sheet].get(header, ("", None))
            if column == base:
                code = language if language and language != "default" else self.language
                self.spoken.setdefault(code)
                found.setdefault(code, value)
        return found

    def languages(self) -> list[str]:
        others = [code for code in self.spoken if code != self.language]
        return [self.language, *others]

    def add_labels(self, form: dict[str, Any]) -> None:
        if not form["title"]:
            form["title"] = {self.language: form["id"]}

    # settings

    def settings(self) -> dict[str, Any]:
        sheet = self.sheets.get("settings")
        line = sheet.lines[0] if sheet and sheet.lines else Line(2, {})
        if sheet is None:
            self.headers["settings"] = {}
        default = self.cell("settings", line, "default_language")
        if default:
            self.language = columns.read_language(default)
        form_id = self.cell("settings", line, "form_id")
        if not _CODE.fullmatch(form_id):
            why = Text("请填写表单编号 form_id(英文字母开头)", "Give the form's form_id, beginning with a letter")
            self.fault("settings", line, "form_id", "form-id", why)
        for name in _UNSUPPORTED_SETTINGS:
            if self.cell("settings", line, name):
                why = Text("不支持加密或另行投递的表单", "Encrypted or redirected forms are not supported")
                self.fault("settings", line, name, "unsupported-setting", why)
        scoring = self.cell("settings", line, "scoring") or "points"
        if scoring not in SCORINGS:
            self.fault(
                "settings", line, "scoring", "unknown-scoring", Text("应为 points 或 mean", "Use points or mean")
            )
        settings: dict[str, Any] = {
            "id": form_id, "version": self.cell("settings", line, "version"), "title": self.told("settings", line, "form_title"),
            "scoring": scoring,
        }  # fmt: skip
        if self.cell("settings", line, "anonymous").lower() in _YES:
            settings["anonymous"] = self.anonymous = True
        self.prefills = self.cell("settings", line, "prefill").lower() not in _NO - {""}
        for name in ("score_when", "instance_name", "style"):
            if value := self.cell("settings", line, name).translate(_QUOTES if name != "style" else {}):
                settings[name] = value
        return settings

    # choices

    def lists(self) -> dict[str, list[dict[str, Any]]]:
        lists: dict[str, list[dict[str, Any]]] = {}
        seen: set[tuple[str, str]] = set()
        sheet = self.sheets.get("choices")
        for line in sheet.lines if sheet else ():
            list_name, name = self.cell("choices", line, "list_name"), self.cell("choices", line, "name")
            if not list_name:
                continue
            if not name or " " in name:
                why = Text("选项编码不能为空或含空格", "A choice needs a code without spaces")
                self.fault("choices", line, "name", "choice-name", why)
            elif (list_name, name) in seen:
                why = Text(
                    "选项“{name}”在选项表“{list}”中重复", "The choice “{name}” stands twice in the list “{list}”"
                )
                self.fault("choices", line, "name", "duplicate-choice", why.fill(name=name, list=list_name))
            seen.add((list_name, name))
            lists.setdefault(list_name, []).append(self.item(line, name))
        return lists

    def item(self, line: Line, name: str) -> dict[str, Any]:
        item: dict[str, Any] = {"name": name, "label": self.told("choices", line, "label")}
        for header, value in line.cells.items():
            base, language = self.headers["choices"].get(header, ("", None))
            if base == "score":
                try:
                    item["score"] = float(value)
                except ValueError:
                    why = Text("分值应为数字", "A score must be a number")
                    self.fault("choices", line, "score", "bad-score", why)
            elif base not in ("list_name", "name", "label") and language is None and not base.startswith("media::"):
                item[header.strip()] = value
        return item

    # survey

    def questions(self, lists: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
        top: list[dict[str, Any]] = []
        open_ones: list[tuple[str, list[dict[str, Any]], Line]] = []
        children = top
        count = 0
        for line in self.sheets["survey"].lines:
            written = self.cell("survey", line, "type")
            if not written or self.cell("survey", line, "disabled").lower() in _YES:
                continue
            count += 1
            kind = columns.read_type(written)
            if kind is None:
                why = Text("不支持的题型“{type}”", "The question type “{type}” is not supported").fill(type=written)
                self.fault("survey", line, "type", "unknown-type", why)
            elif kind[0].startswith("end "):
                if not open_ones or open_ones[-1][0] != kind[0][4:]:
                    why = Text("没有与之对应的 begin", "There is no begin that this would end")
                    self.fault("survey", line, "type", "unbalanced", why)
                else:
                    children = open_ones.pop()[1]
            else:
                entry = self.entry(line, kind, lists)
                children.append(entry)
                if kind[0] in ("group", "repeat"):
                    open_ones.append((kind[0], children, line))
                    children = entry["children"] = []
                elif kind[3]:
                    children.append(self.other(line, entry, lists))
        for _, _, line in open_ones:
            self.fault("survey", line, "type", "unbalanced", Text("缺少对应的 end", "Its end is missing"))
        if not count or count > MAX_QUESTIONS:
            why = Text("问题数应在 1 到 {most} 之间", "A form has 1 to {most} questions").fill(most=MAX_QUESTIONS)
            self.fault("survey", None, "type", "question-count", why)
        if len(open_ones) > 0 or not top:
            self.stop()
        return top

    def entry(
        self, line: Line, kind: tuple[str, str | None, bool, bool], lists: dict[str, list[dict[str, Any]]]
    ) -> dict[str, Any]:
        name = self.cell("survey", line, "name") or (
            kind[0] if kind[0] in ("start", "end", "today", "deviceid", "audit") else ""
        )
        entry: dict[str, Any] = {"name": self.named(line, name), "type": kind[0]}
        if kind[1] is not None:
            self.choose_from(line, entry, kind[1], is_file=kind[2], lists=lists)
        for base in ("label", "hint", "guidance_hint", "required_message", "constraint_message", "warning_message"):
            if text := self.told("survey", line, base):
                entry[base] = text
        media = {
            base[7:]: told
            for base in ("media::image", "media::audio", "media::video")
            if (told := self.told("survey", line, base))
        }
        if media:
            entry["media"] = media
        for base, key in _EXPRESSIONS.items():
            if source := self.cell("survey", line, base):
                entry[key] = source.translate(_QUOTES)
        for base in _PLAIN:
            if value := self.cell("survey", line, base):
                entry[base] = value
        self.switches(line, entry)
        self.details(line, entry)
        return entry

    def named(self, line: Line, name: str) -> str:
        if not _NAME.fullmatch(name) or len(name) > 100:
            why = Text("名称“{name}”不符合规则", "“{name}” cannot be a name").fill(name=name)
            self.fault("survey", line, "name", "bad-name", why)
        elif name in self.lines:
            why = Text("名称“{name}”与第 {row} 行重复", "The name “{name}” already stands in row {row}")
            self.fault("survey", line, "name", "duplicate-name", why.fill(name=name, row=self.lines[name].number))
        self.lines.setdefault(name, line)
        return name

    def choose_from(
        self, line: Line, entry: dict[str, Any], source: str, *, is_file: bool, lists: dict[str, list[dict[str, Any]]]
    ) -> None:
        if not is_file:
            entry["list"] = source
            if source not in lists:
                why = Text("choices 表中没有选项表“{name}”", "The sheet choices has no list “{name}”").fill(name=source)
                self.fault("survey", line, "type", "missing-list", why)
            return
        external = source.removesuffix(".csv")
        entry["external"] = external
        if external not in EXTERNAL:
            why = Text("只能引用 {known}", "Only {known} can be referred to")
            self.fault(
                "survey", line, "type", "unknown-file", why.fill(known=", ".join(f"{each}.csv" for each in EXTERNAL))
            )
        elif external == "enterprises" and self.anonymous:
            why = Text("匿名问卷不能列出企业", "An anonymous questionnaire cannot offer the enterprises")
            self.fault("survey", line, "type", "enterprises-in-public", why)

    def switches(self, line: Line, entry: dict[str, Any]) -> None:
        required = self.cell("survey", line, "required")
        if required.lower() in _YES:
            entry["required"] = True
        elif required.lower() not in _NO:
            entry["required"] = required.translate(_QUOTES)
        if self.cell("survey", line, "read_only").lower() in _YES:
            entry["read_only"] = True
        if default := self.cell("survey", line, "default"):
            entry["default"] = default
            if _DYNAMIC.search(default):
                entry["default"], entry["dynamic_default"] = default.translate(_QUOTES), True

    def details(self, line: Line, entry: dict[str, Any]) -> None:
        parameters = {
            key: value
            for key, found, value in (
                part.partition("=") for part in re.split(r"[\s;,]+", self.cell("survey", line, "parameters"))
            )
            if found
        }
        if parameters:
            entry["parameters"] = parameters
        for base in ("min_rows", "max_rows"):
            if value := self.cell("survey", line, base):
                if value.isdecimal() and entry["type"] == "repeat":
                    entry[base] = int(value)
                else:
                    why = Text("应为重复组的行数", "This must be the number of rows of a repeat")
                    self.fault("survey", line, base, "bad-rows", why)
        if entry["type"] == "range":
            for key in ("start", "end", "step"):
                if not re.fullmatch(r"-?\d+(\.\d+)?", parameters.get(key, "1")):
                    why = Text("范围的参数应为数字", "The parameters of a range must be numbers")
                    self.fault("survey", line, "parameters", "bad-parameters", why)
        if entry.get("dimension", DIMENSIONS[0]) not in DIMENSIONS:
            why = Text("维度应为 {known} 之一", "The dimension must be one of {known}").fill(
                known=", ".join(DIMENSIONS)
            )
            self.fault("survey", line, "dimension", "unknown-dimension", why)
        if entry["type"] == "calculate" and "calculation" not in entry and "default" not in entry:
            why = Text("calculate 题需要 calculation", "A calculate needs its calculation")
            self.fault("survey", line, "calculation", "missing-calculation", why)

    def other(self, line: Line, entry: dict[str, Any], lists: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
        """``or_other``: the choice “other” and the question that asks which."""
        items = lists.get(entry.get("list", ""), [])
        if items and all(item["name"] != "other" for item in items):
            items.append({"name": "other", "label": {"zh": "其他", "en": "Other"}})
        name = self.named(line, f"{entry['name']}_other")
        relevant = f"selected(${{{entry['name']}}}, 'other')"
        return {"name": name, "type": "text", "label": {"zh": "请说明", "en": "Please specify"}, "relevant": relevant}
