"""The main job, told by a scripted phone over real HTTP: ``python -m demo.tour`` (``make tour``).

Against the server at BASE_URL (or ``--url``), else at PORT; when nobody answers there, against a server of its own.
Every sentence with a tick was checked; the tour ends with exit code 1 at the first that does not hold.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx

from client.line import Line, Refused
from client.phone import shanghai_now
from demo import pictures, stage
from demo.scenes import FieldScenes, refusal_of, status_of
from demo.stage import NotAsTold, Stage

THUMBNAIL_PATIENCE = 90.0
RATES = {
    "ack_timeliness": "acknowledged in time (签收及时率)",
    "on_time_rate": "on time (按期办结率)",
    "satisfaction_rate": "satisfied (满意率)",
}


class Tour(FieldScenes):
    """The whole story: the field's scenes, then the department's and the office's."""

    def run(self) -> None:
        self.morning()
        self.on_site()
        self.signal_returns()
        self.quarantine()
        self.colleagues()
        self.department_answers()
        self.review_and_close()
        self.pictures_for_all()
        self.month_end()
        self.proof()

    # --- 6 --------------------------------------------------------------------------------------------------------

    def department_answers(self) -> None:
        here, hrss, issue = self.here, self.department, self.ids["wages"]
        here.chapter("The department (市人社局) acknowledges (签收) and replies (反馈) with evidence.")
        hrss.sign_in().pull()
        desk = hrss.line.every("issues", state="dispatched", lead="HRSS")
        here.holds(
            issue in [row["id"] for row in desk], f"it is on the department's desk, among {len(desk)} newly dispatched"
        )
        here.holds(
            status_of(hrss.line, f"issues/{self.ids['danger']}") == 404,
            "the safety issue of the other department is not",
        )
        key = str(uuid4())
        taken = hrss.line.post(f"issues/{issue}/actions", {"action": "acknowledge"}, Idempotency_Key=key)
        again = hrss.line.post(f"issues/{issue}/actions", {"action": "acknowledge"}, Idempotency_Key=key)
        here.holds(
            taken["state"] == again["state"] == "in_progress", "acknowledged, once, though the request came twice"
        )
        reply = {
            "action": "reply",
            "text": "已约谈外包单位,十二人工资当日结清,附转账凭证。",
            "data": {"outcome": "solved"},
        }
        here.holds(refusal_of(hrss.line, issue, reply) == {"/action": "assist-opinion-missing"},
                   "a reply is refused while assistants (协办) have not spoken", refusal_of(hrss.line, issue, reply))  # fmt: skip
        self.office.sign_in()
        self.act(self.office, issue, "assist_opinion", "电话征求公安、司法、工会意见,均无异议")
        proof = pictures.jpeg(
            uuid4().int % 2**30, taken_at=shanghai_now(), lat=self.place["lat"], lon=self.place["lon"]
        )
        evidence = hrss.takes_photo(proof, issue=issue, caption="转账凭证")
        self.originals[evidence] = proof
        here.holds(
            hrss.last_result(evidence)["status"] == "applied",
            "the department's own photo is evidence (佐证)",
            hrss.last_result(evidence),
        )
        reply["data"] = {"outcome": "solved", "evidence": [evidence]}
        answered = hrss.line.post(f"issues/{issue}/actions", reply)
        here.holds(answered["state"] == "replied" and not answered["overdue"], "replied in time; the clock stops")
        self.ids["evidence"] = evidence
        taken = self.safety.sign_in().line.post(f"issues/{self.ids['danger']}/actions", {"action": "acknowledge"})
        here.holds(taken["state"] == "in_progress", "Emergency Management (市应急管理局) has taken on the other issue")

    # --- 7 --------------------------------------------------------------------------------------------------------

    def review_and_close(self) -> None:
        here, issue, phone = self.here, self.ids["wages"], self.liaison
        here.chapter("The office (产改办) reviews (审核), the liaison follows up (回访), the office closes (销号).")
        here.holds(self.act(self.office, issue, "accept_reply")["state"] == "follow_up", "the reply passes review")
        phone.pull().acts(
            issue,
            "follow_up",
            "十二名职工均已收到工资,表示满意",
            solved=True,
            satisfaction="very_satisfied",
            method="on_site",
        )
        here.holds(
            phone.document("issues", issue)["state"] == "follow_up", "asked on site: paid, very satisfied (非常满意)"
        )
        closing = {"satisfaction": "very_satisfied", "solved": True, "method": "on_site"}
        refused = refusal_of(self.department.line, issue, {"action": "close", "data": closing}, status=403)
        here.holds(refused is not None, "the department may not close its own case")
        closed = self.act(self.office, issue, "close", None, **closing)
        here.holds(closed["state"] == "closed", "closed")
        phone.pull()
        here.holds(phone.document("issues", issue)["state"] == "closed", "the phone knows it with the next pull")
        history = self.office.get(f"issues/{issue}/history")["results"]
        for event in history:
            here.say(f"  {event['at'][:16]}  {event['sentence']}")
        here.keep("issue.json", closed)
        here.keep("history.json", history)

    # --- 8 --------------------------------------------------------------------------------------------------------

    def pictures_for_all(self) -> None:
        here, photo = self.here, self.photos[1]
        here.chapter("The worker has made smaller copies of the photos (缩略图).")
        small = here.wait_for(lambda: _file(self.office, f"photos/{photo}/small"), seconds=THUMBNAIL_PATIENCE)
        here.holds(small and len(small) < len(self.originals[photo]), f"a small copy of {len(small or b''):,} bytes")
        original = self.office.fetch(f"photos/{photo}/original")
        here.holds(original == self.originals[photo], "the original, bit for bit, for those who may see it")
        here.holds(status_of(self.department.line, f"photos/{photo}/original") == 403, "which the department may not")
        here.keep("photo-small.jpg", small)
        here.keep("photo-original.jpg", original)
        told = self.office.get(f"photos/{photo}")
        here.keep("photo.json", told)
        for finding in told["findings"]:
            here.say(f"evidence: {finding['detail']['en']}")

    # --- 9 --------------------------------------------------------------------------------------------------------

    def month_end(self) -> None:
        here, month = self.here, shanghai_now().strftime("%Y-%m")
        here.chapter(f"Month-end: the office pulls the supervision report (督查) of {month}.")
        asked = {"period": month, "group_by": "department"}
        report = self.office.get("reports/supervision", **asked)
        rows = {row["group"]["code"]: row for row in report["rows"]}
        hrss = rows["HRSS"]["indicators"]
        told = [f"{name} {hrss[key]['value']} %" for key, name in RATES.items()]
        here.holds(hrss["workload"]["numerator"] > 0, f"HRSS: workload (工作量) {hrss['workload']['numerator']}", "")
        here.say(f"  {', '.join(told)}")
        evidence = self.office.get("reports/supervision/evidence", indicator="workload", group="HRSS", **asked)
        here.holds(
            self.ids["wages"] in self._ids_behind(evidence, asked), "the ids behind the number hold today's issue"
        )
        own = self.department.line.get("reports/supervision", **asked)
        here.holds(
            {row["group"]["code"] for row in own["rows"]} == {"HRSS"}, "the department itself sees its own row only"
        )
        book = self.office.fetch("reports/supervision", format="xlsx", **asked)
        here.holds(book[:2] == b"PK", f"the workbook (xlsx) has {len(book):,} bytes")
        bulletin = self.office.fetch("reports/supervision", format="docx", **asked)
        here.holds(bulletin[:2] == b"PK", f"the bulletin (督查通报, docx) has {len(bulletin):,} bytes")
        here.keep(f"supervision-{month}.json", report)
        here.keep(f"supervision-{month}.xlsx", book)
        here.keep(f"bulletin-{month}.docx", bulletin)

    def _ids_behind(self, evidence: dict[str, Any], asked: dict[str, Any]) -> list[str]:
        side = evidence["numerator"]
        found: list[str] = list(side["results"])
        while side["next"]:
            side = self.office.send("GET", side["next"]).json()
            found += side["results"]
        return found

    # --- 10 -------------------------------------------------------------------------------------------------------

    def proof(self) -> None:
        here, phone = self.here, self.liaison
        here.chapter("In the end the phone holds exactly what a new phone would be given.")
        differences: list[str] = []

        def compare() -> bool | None:
            """The worker may write a message in between: then both look again."""
            fresh = self._phone("liaison").sign_in().pull()
            differences[:] = phone.pull().mirror.differences(fresh.mirror)
            return None if differences else True

        same = here.wait_for(compare, seconds=30)
        here.holds(same, f"{len(phone.mirror.rows)} rows, equal to a fresh first sync", *differences[:3])
        here.holds(phone.verify() == "match", "and the server's digests say the same")


def _file(line: Line, path: str) -> bytes | None:
    try:
        return line.fetch(path)
    except Refused as refused:
        if refused.status not in (404, 503):
            raise
        return None


def tell(base_url: str, password: str) -> int:
    """The whole tour against one server; gives the exit code."""
    here, began = Stage(base_url, password), datetime.now().astimezone()
    print(f"The main job of Sanyuantong (三员通), told by a phone at {base_url}", flush=True)
    try:
        Tour(here).run()
    except NotAsTold as failure:
        print(f"   ✗ {failure}\n\nIt did not go as told.", flush=True)
        return 1
    except (Refused, httpx.TransportError) as failure:
        print(f"   ✗ unexpected: {failure!r}\n\nIt did not go as told.", flush=True)
        return 1
    took = (datetime.now().astimezone() - began).total_seconds()
    print(
        f"\nAll of it held, in {took:.0f} s. What was fetched lies in {stage.KEPT.relative_to(stage.ROOT)}/.",
        flush=True,
    )
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Tell the main job over real HTTP.")
    parser.add_argument("--url", default=os.environ.get("BASE_URL"), help="a running server (default: the one at PORT)")
    parser.add_argument("--password", default=os.environ.get("DEMO_PASSWORD"), help="of the demo accounts")
    options = parser.parse_args()
    url = options.url or f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
    if options.url or stage.answers(url):
        password = options.password or stage.noted_password()
        if password is None:
            parser.error("say the demo accounts' password with DEMO_PASSWORD")
        return tell(url.rstrip("/"), password)
    print(f"Nobody answers at {url}: starting a server for the tour.", flush=True)
    with stage.own_server() as (own, password):
        return tell(own, password)


if __name__ == "__main__":
    sys.exit(main())
