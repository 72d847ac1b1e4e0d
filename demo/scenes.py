"""The field half of the tour: the morning, the visit without a signal, the upload that breaks, the quarantine, the outsider."""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import uuid4

from client.line import Line, Refused
from client.phone import Phone, shanghai_now
from client.tus import Cut
from demo import pictures
from demo.stage import Stage
from surveys import samples

WAGES = "外包班组反映上月工资尚未结清,涉及十二人"
DANGER = "冲压机安全光栅失效仍在使用,存在即时危险"


class FieldScenes:
    """The people of the story and what they have in hand."""

    def __init__(self, here: Stage) -> None:
        self.here = here
        self.liaison, self.instructor, self.outsider = (
            self._phone(name) for name in ("liaison", "instructor", "liaison2")
        )
        self.department, self.safety = self._phone("hrss"), self._phone("embureau")
        self.office = Line(here.http, "office", here.password)
        self.enterprise: dict[str, Any] = {}
        self.place: dict[str, Any] = {}
        self.answers: dict[str, Any] = {}
        self.ids: dict[str, str] = {}
        self.photos: list[str] = []
        self.originals: dict[str, bytes] = {}

    def _phone(self, username: str) -> Phone:
        return Phone(self.here.http, username, self.here.password)

    # --- 1 --------------------------------------------------------------------------------------------------------

    def morning(self) -> None:
        here, phone = self.here, self.liaison
        here.chapter("Morning, with a signal. The liaison (联络员) signs in and pulls (首次拉取).")
        who = phone.line.sign_in()
        here.holds("liaison" in who["roles"], f"signed in as {who['name']}, a liaison (联络员), at this device")
        phone.pull()
        held = {
            name: len(phone.mirror.of(name))
            for name in ("enterprises", "questionnaires", "issue_categories", "departments")
        }
        here.holds(all(held.values()), f"the phone holds {held['enterprises']} enterprises, {held['questionnaires']} forms (问卷), "
                   f"{len(phone.mirror.of('issues'))} issues (问题), {len(phone.mirror.of('visit_plans'))} visit plans")  # fmt: skip
        here.holds(
            phone.verify() == "match",
            f"and proves it: the server agrees on the digest of {len(phone.check['scopes'])} scopes",
        )
        self.instructor.sign_in().pull()
        both = phone.mirror.of("enterprises").keys() & self.instructor.mirror.of("enterprises").keys()
        here.holds(both, f"the instructor (指导员) shares {len(both)} of these enterprises")
        chosen = max(both, key=lambda one: len(self._old_issues(one)))
        self.enterprise = {"id": chosen} | phone.document("enterprises", chosen)
        self.place = dict(self.enterprise["location"])
        old = self._old_issues(chosen)
        here.holds(old, f"today's visit (走访): {self.enterprise['name']}, with {len(old)} earlier issues")
        self.ids["old"] = old[0]
        here.keep("first-pull.json", {"held": held, "check": phone.check, "pages": phone.pages})

    def _old_issues(self, enterprise: str) -> list[str]:
        """Issues of an enterprise that may be verified on site, the open ones first."""
        found = [(row["state"] == "closed", record) for record, row in self.liaison.mirror.of("issues").items()
                 if row["enterprise"] == enterprise and row["state"] not in ("merged", "withdrawn", "rejected")]  # fmt: skip
        return [record for _, record in sorted(found)]

    # --- 2 --------------------------------------------------------------------------------------------------------

    def on_site(self) -> None:
        here, phone = self.here, self.liaison.goes_offline()
        here.chapter("In the workshop there is no signal (离线). A joint visit with the instructor (联合走访).")
        spot = {name: self.place[name] for name in ("lat", "lon", "crs")} | {
            "accuracy_m": 8.5,
            "provider": "gps",
            "mock": False,
        }
        plan = self._planned()
        visit = phone.starts_visit(
            self.enterprise["id"], participants=[phone.person, self.instructor.person], check_in=spot | {"at": now()},
            interviewee="工会主席", visit_plan=plan,
        )  # fmt: skip
        here.say("checked in (签到) by GPS; two field members take part")
        self.answers = samples.sample("visit", Random(uuid4().int), shanghai_now().date())
        wrong = self.answers | {"frontline": self.answers["employees"] + 1}
        self.ids["response"] = phone.answers("visit", wrong, visit=visit)
        here.say("the questionnaire (走访表) is filled in; by a slip, more front-line workers than employees")
        phone.acts(self.ids["old"], "verify", "现场核实,整改措施已落实", solved=True)
        here.say("an old issue is verified on site (现场核实)")
        self.ids |= {
            "visit": visit,
            "wages": phone.reports_issue(visit, category="wage_arrears", workers_affected=12, description=WAGES, severity="high"),
            "danger": phone.reports_issue(visit, category="work_safety", immediate_danger=True, description=DANGER, severity="urgent"),
        }  # fmt: skip
        here.say(
            "two issues are reported (上报): wage arrears (欠薪) of twelve people; a press without its safety curtain (安全生产)"
        )
        subjects = [{"visit": visit}, {"issue": self.ids["wages"]}, {"issue": self.ids["danger"]}]
        for subject, caption in zip(subjects, ("车间入口", "工资表", "冲压机"), strict=True):
            picture = pictures.jpeg(uuid4().int % 2**30, taken_at=shanghai_now(), lat=spot["lat"], lon=spot["lon"])
            photo = phone.takes_photo(picture, caption=caption, location=spot, **subject)
            self.photos.append(photo)
            self.originals[photo] = picture
        phone.ends_visit(visit, summary="与工会主席和十二名职工交谈,查看冲压车间。")
        here.holds(
            len(phone.outbox.waiting) == 9,
            "nine mutations and three photos (照片) wait in the phone; nothing has left it",
        )

    def _planned(self) -> str | None:
        """A visit of the office's plan that is still to be made here."""
        wanted = {"enterprise": self.enterprise["id"], "state": "planned", "person": self.liaison.person}
        for record, plan in self.liaison.mirror.of("visit_plans").items():
            if {name: plan[name] for name in wanted} == wanted:
                return record
        return None

    # --- 3 --------------------------------------------------------------------------------------------------------

    def signal_returns(self) -> None:
        here, phone = self.here, self.liaison
        here.chapter("The signal returns, and breaks again in the middle of an upload (断点续传).")
        phone.online = True
        sealed = phone.outbox.batch()
        results = phone.push()
        here.keep("push-answers.json", results)
        states = [result["status"] for result in results]
        here.holds(
            states.count("applied") == 8, f"eight of nine mutations are applied, each answered by itself: {states}"
        )
        for name, lead in (("wages", "HRSS"), ("danger", "EMB")):
            issue = self.office_view(self.ids[name])
            told = f"{issue['category']} is dispatched (派单) to {lead} as urgent, due {issue['due'][:16]}"
            right = issue["lead"] == lead and issue["deadline_class"] == "E"
            here.holds(right, f"{told}: {reason_of(issue)}", issue)
        body = {"sent_at": now(), "schema": 1, "epoch": phone.epoch, "mutations": [one.body for one in sealed]}
        again = phone.line.post("sync/push", body)["results"]
        here.holds(
            [one["status"] for one in again] == states,
            "the same batch sent again (the answer might have been lost) changes nothing",
        )
        self._interrupted(phone)

    def _interrupted(self, phone: Phone) -> None:
        here, upload = self.here, phone.uploads[0]
        half = len(upload.data) // 2
        try:
            upload.send(phone.line, cut_after=half)
        except Cut:
            here.say(f"the signal goes after {half:,} of {len(upload.data):,} bytes of the first photo")
        here.holds(not upload.done, "the upload stands unfinished")
        phone.brings_bytes()
        here.holds(
            upload.done and upload.resumed_at,
            f"it goes on at byte {upload.resumed_at[-1]:,}, and all three photos arrive",
        )
        phone.pull()
        stored = [phone.document("photos", photo)["bytes"] for photo in self.photos]
        here.holds(stored == ["stored"] * 3, "the server has compared each with its SHA-256 and says so to the phone")

    # --- 4 --------------------------------------------------------------------------------------------------------

    def quarantine(self) -> None:
        here, phone, response = self.here, self.liaison, self.ids["response"]
        here.chapter("The wrong answer waits in quarantine (隔离区), whole, until it is corrected.")
        refusal = phone.last_result(response)
        faults = {fault["pointer"]: fault["detail"] for fault in refusal.get("problem", {}).get("errors", [])}
        here.holds(refusal["status"] == "quarantined" and "/answers/frontline" in faults,
                   f"refused with its reason: {faults.get('/answers/frontline')}", refusal)  # fmt: skip
        (case,) = [
            key
            for key, row in phone.mirror.of("quarantine").items()
            if row["record"] == response and row["state"] == "waiting"
        ]
        phone.puts("quarantine", {"resolution": "apply", "data": {"answers": self.answers}}, record=case)
        here.holds(phone.document("quarantine", case)["state"] == "applied", "the corrected answer is applied")
        here.holds(
            phone.document("responses", response)["status"] == "submitted",
            "and the response (答卷) is there with its visit",
        )

    # --- 5 --------------------------------------------------------------------------------------------------------

    def colleagues(self) -> None:
        here = self.here
        here.chapter("Who else sees it: the instructor does, the liaison of another town (外镇联络员) sees nothing.")
        self.instructor.pull()
        mine = [self.ids[name] for name in ("visit", "response", "wages", "danger")] + self.photos
        here.holds(
            all(self.instructor.holds(record) for record in mine),
            "the instructor's phone has the joint visit with all that belongs to it",
        )
        self.outsider.sign_in().pull()
        held = "".join(str(row.data) + key[1] for key, row in self.outsider.mirror.rows.items())
        here.holds(
            not any(record in held for record in mine), "nothing of it has crossed the wire to the outsider's phone"
        )
        paths = [f"visits/{mine[0]}", f"responses/{mine[1]}", f"issues/{mine[2]}", f"photos/{mine[4]}"]
        statuses = [status_of(self.outsider.line, path) for path in paths]
        here.holds(statuses == [404] * 4, "asked for by id it answers 404, as for what does not exist", statuses)

    # --- small things ---------------------------------------------------------------------------------------------

    def office_view(self, issue: str) -> dict[str, Any]:
        if not self.office.tokens:
            self.office.sign_in()
        return dict(self.office.get(f"issues/{issue}"))

    def act(self, line: Line, issue: str, action: str, text: str | None = None, **data: Any) -> dict[str, Any]:
        body = {"action": action} | ({"text": text} if text else {}) | ({"data": data} if data else {})
        return dict(line.post(f"issues/{issue}/actions", body))


def now() -> str:
    return shanghai_now().isoformat()


def reason_of(issue: dict[str, Any]) -> str:
    return str((issue.get("routing") or {}).get("reason"))


def status_of(line: Line, path: str) -> int:
    try:
        return line.send("GET", path).status_code
    except Refused as refused:
        return refused.status


def refusal_of(line: Line, issue: str, body: dict[str, Any], status: int = 422) -> dict[str, str] | None:
    """The faults of an action that is refused with this status; None when it is not."""
    try:
        line.post(f"issues/{issue}/actions", body)
    except Refused as refused:
        return refused.faults if refused.status == status else None
    return None
