"""Plausible valid answers to the four questionnaires, the same for the same generator: for the demo, trials and benches."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

Answers = dict[str, Any]

_INSTITUTIONS = ["workers_congress", "open_management", "collective_contract", "wage_agreement", "skill_allowance",
                 "apprenticeship"]  # fmt: skip
_CATEGORIES = ["skill_training", "skill_allowance", "hours_leave", "occupational_health", "child_schooling", "park_facilities",
               "public_housing", "skill_certification"]  # fmt: skip
_PROBLEMS = {
    "skill_training": "车间反映数控机床操作培训名额太少,每批只有六个人",
    "skill_allowance": "高级工津贴标准三年没有调整,与同类企业有差距",
    "hours_leave": "旺季连续加班三周,调休没有及时安排",
    "occupational_health": "打磨工位除尘设备老化,粉尘较大,口罩发放不足",
    "child_schooling": "外地职工子女今年秋季入学手续办理遇到困难",
    "park_facilities": "园区没有通勤班车,夜班职工回家不方便",
    "public_housing": "青年职工申请公租房排队超过一年,希望增加房源",
    "skill_certification": "企业自主评价的技能等级证书在外单位不被认可",
}
_NAMES = ["王丽", "张伟", "陈建国", "徐敏", "刘洋", "赵芳", "孙强", "周明", "吴静", "缪国平"]
_POSTS = ["工会主席", "人力资源部经理", "生产部主任", "党支部书记", "总经理助理"]
_CODE_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def sample(code: str, random: Random, today: date, *, region: str = "320281106") -> Answers:
    """Valid answers to a questionnaire as shipped, given on ``today``; ``region`` is the code of a town. Raises KeyError."""
    return {"visit": _visit, "worker_satisfaction": _worker, "observer": _observer, "sme_problems": _problem}[code](
        random, today, region
    )


def _visit(random: Random, today: date, region: str) -> Answers:
    employees = random.choice([random.randint(40, 300), random.randint(300, 4000)])
    frontline = int(employees * random.uniform(0.4, 0.85))
    certified = int(frontline * random.uniform(0.2, 0.8))
    senior = int(certified * random.uniform(0.05, 0.5))
    mode = random.choices(["on_site", "meeting", "phone"], [8, 1, 1])[0]
    union = random.choices(["own", "joint", "none"], [7, 2, 1])[0]
    institutions = sorted(random.sample(_INSTITUTIONS, random.randint(1, 6)), key=_INSTITUTIONS.index)
    arrears = random.choices(["none", "solved", "open"], [90, 8, 2])[0]
    answers: Answers = {
        "mode": mode,
        "interviewee": f"{random.choice(_NAMES)},{random.choice(_POSTS)}",
        "employees": employees, "frontline": frontline, "dispatched": int(employees * random.uniform(0, 0.1)),
        "union": union,
        "party_branch": random.choices(["own", "joint", "none"], [5, 3, 2])[0],
        "party_recruits": min(frontline, random.randint(0, 4)),
        "reform_plan": random.choices(["done", "planned", "none"], [6, 3, 1])[0],
        "institutions": institutions,
        "certified": certified, "senior_skilled": senior,
        "senior_share": int(senior / certified * 10_000 + 0.5) / 10_000 if certified else 0,
        "training_spend": round(random.uniform(0.5, 4.0), 1),
        "innovation_studio": random.choices(["national", "province", "wuxi", "city", "enterprise", "none"], [1, 2, 3, 5, 5, 4])[0],
        "arrears": arrears, "fatal_accident": "none",
        "issues": _issues(random, 1 if arrears == "open" else random.choices([0, 1, 2], [70, 25, 5])[0], arrears),
        "issues_done": "OK",
        "remarks": "企业对产改工作较为重视,班组长队伍稳定,现场管理规范。",
    }  # fmt: skip
    if mode == "on_site":
        answers["check_in"] = {
            "lat": round(31.84 + random.uniform(-0.08, 0.08), 6), "lon": round(120.28 + random.uniform(-0.15, 0.15), 6),
            "crs": "wgs84", "accuracy_m": round(random.uniform(4, 40), 1),
        }  # fmt: skip
        answers["check_in_photo"] = f"check-in-{random.getrandbits(32):08x}.jpg"
    if union != "none":
        answers["members"] = int(employees * random.uniform(0.5, 1.0))
    if "collective_contract" in institutions:
        answers["contract_expiry"] = (today + timedelta(days=random.randint(1, 900))).isoformat()
    return answers


def _issues(random: Random, count: int, arrears: str) -> list[Answers]:
    issues = []
    for at in range(count):
        category = random.choice(_CATEGORIES)
        if at == 0 and arrears == "open":
            issues.append(
                {"issue_category": "wage_arrears", "issue_description": "十月份工资尚未发放,涉及装配车间部分职工"}
            )
        else:
            issues.append({"issue_category": category, "issue_description": _PROBLEMS[category]})
    return issues


def _opinion(random: Random, lean: float) -> str:
    return str(max(1, min(5, round(random.gauss(lean, 0.9)))))


def _worker(random: Random, today: date, region: str) -> Answers:
    if random.random() < 0.03:
        return {"consent": "no"}
    lean = random.uniform(3.2, 4.6)
    member = random.choices(["yes", "no", "unsure"], [80, 15, 5])[0]
    training = random.choices(["none", "once", "twice", "often"], [2, 3, 3, 2])[0]
    answers: Answers = {
        "consent": "yes", "age": random.choice(["under_25", "25_34", "35_44", "45_54", "55_up"]),
        "employment": random.choices(["contract", "dispatch", "outsourced", "temporary"], [80, 12, 5, 3])[0],
        "tenure": random.choice(["under_1", "1_3", "3_10", "10_up"]),
        "skill": random.choice(["none", "junior", "middle", "senior", "technician"]),
        "opinions_valued": _opinion(random, lean), "union_member": member, "union_helps": _opinion(random, lean),
        "promotion_path": _opinion(random, lean), "skill_pays": _opinion(random, lean), "training_times": training,
        "improvement": _opinion(random, lean), "pay_on_time": random.choices(["always", "mostly", "often_late"], [90, 8, 2])[0],
        "insured": random.choices(["full", "part", "no", "unsure"], [85, 10, 2, 3])[0], "hours": _opinion(random, lean),
        "safety": _opinion(random, lean), "wanted": random.sample(_CATEGORIES, random.randint(1, 3)),
    }  # fmt: skip
    if random.random() < 0.8:
        answers["gender"] = random.choice(["female", "male"])
    if member == "no":
        answers["why_not"] = random.choice(["no_union", "not_asked", "no_use", "other"])
    if training != "none":
        answers["training_useful"] = _opinion(random, lean)
    return answers


_JUDGED = (
    "party_guidance",
    "voice",
    "institutions_real",
    "training_real",
    "innovation_applied",
    "grievance_channel",
    "safety",
)


def _observer(random: Random, today: date, region: str) -> Answers:
    interviewed = random.randint(3, 12)
    checked = random.randint(1, 8)
    matches, recommend = random.random() < 0.95, random.random() < 0.3
    answers: Answers = {
        "conflict": "no", "how": random.choice(["open", "unannounced", "sitting_in", "interview"]),
        "theme": random.sample(["political", "institutional", "quality", "rights"], random.randint(1, 3)),
        "interviewed": interviewed, "aware": random.randint(interviewed // 2, interviewed),
        "policies_checked": checked, "policies_honoured": random.randint(checked // 2, checked),
        "ledger_matches": "yes" if matches else "no",
        "suggestion": "建议把技能津贴与岗位等级挂钩并在班组公示,同时为夜班职工增加培训场次,让更多一线工人参与进来。",
        "recommend": "yes" if recommend else "no",
    }  # fmt: skip
    for share, part, whole in (("awareness", "aware", interviewed), ("honoured_share", "policies_honoured", checked)):
        answers[share] = int(answers[part] / whole * 10_000 + 0.5) / 10_000
    for name in _JUDGED:
        answers[name] = opinion = _opinion(random, 4)
        if opinion in "125":
            answers[f"{name}_reason"] = "现场查看记录并与三名工人交谈后核实。"
    if not matches:
        answers["ledger_difference"] = "培训签到表与车间考勤时间不一致。"
    if recommend:
        answers["recommend_reason"] = "师徒结对成效明显,可供同行借鉴。"
    return answers


_PARKS = {"320281001": "chengjiang", "320281105": "huashi", "320281106": "zhouzhuang", "320281107": "xinqiao"}


def credit_code(random: Random) -> str:
    """A made-up unified social credit code of Jiangyin with its right check character (GB 32100-2015)."""
    body = "91320281" + "".join(random.choice(_CODE_SIGNS) for _ in range(9))
    total = sum(_CODE_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(body))
    return body + _CODE_SIGNS[-total % 31]


def _problem(random: Random, today: date, region: str) -> Answers:
    category = random.choice(_CATEGORIES)
    confidential, answered = random.random() < 0.3, random.random() < 0.4
    hotline = random.random() < 0.15
    answers: Answers = {
        "credit_code": credit_code(random), "size": random.choice(["medium", "small", "micro", "individual"]), "town": region,
        "channel": random.choice(["counter", "phone", "visit", "online", "event"]),
        "nature": random.choice(["consult", "appeal", "complaint", "suggestion"]), "category": category,
        "affected": random.randint(1, 60), "description": f"{_PROBLEMS[category]},希望有关部门协调解决。",
        "channels_used": ["12345"] if hotline else ["none"], "confidential": "yes" if confidential else "no",
        "policies_known": random.sample(["training_subsidy", "apprenticeship", "skill_rating", "tax", "loan"], random.randint(1, 4)),
        "answered_now": "yes" if answered else "no",
    }  # fmt: skip
    if region in _PARKS:
        answers["park"] = _PARKS[region]
    if hotline:
        answers["case_12345"] = f"JY2026{random.randint(0, 999_999):06d}"
    if not confidential:
        answers["phone"] = f"1{random.randint(3, 9)}{random.randint(0, 999_999_999):09d}"
    if answered:
        answers["answer"] = "已说明政策依据和申请流程,并提供办事指南。"
    return answers
