"""Writes the four questionnaires of the office as XLSForm workbooks, beside this file.

``python data/questionnaires/author.py`` rewrites them; the bytes are the same for the same content. The office may as well
edit the workbooks in Excel and upload them: nothing else reads this script. Texts are Chinese, English.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

HERE = Path(__file__).parent
ZH, EN = "::Chinese (zh)", "::English (en)"
TRANSLATED = ("label", "hint", "constraint_message", "required_message", "warning_message")
SURVEY = (
    "type", "name", *(base + language for base in TRANSLATED for language in (ZH, EN)), "required", "relevant", "constraint",
    "warning", "calculation", "default", "appearance", "choice_filter", "parameters", "dimension", "score", "max_rows",
    "read_only", "prefill", "personal",
)  # fmt: skip
CHOICES = ("list_name", "name", "label" + ZH, "label" + EN, "score", "town")

Row = dict[str, Any]
PHOTO = {"parameters": "max-pixels=1600"}


def q(kind: str, name: str, zh: str = "", en: str = "", **cells: Any) -> Row:
    """A row of the survey sheet; a cell given as a pair is said in both languages."""
    row: Row = {"type": kind, "name": name}
    for base, value in {"label": (zh, en), **cells}.items():
        if base in TRANSLATED:
            row[base + ZH], row[base + EN] = value
        else:
            row[base] = value
    return row


def must(kind: str, name: str, zh: str, en: str, **cells: Any) -> Row:
    return q(kind, name, zh, en, required="yes", **cells)


def end(kind: str) -> Row:
    return {"type": f"end {kind}"}


def choices(**lists: list[tuple[Any, ...]]) -> list[Row]:
    """Choice rows from (code, Chinese, English, score?, town?)."""
    return [dict(zip(CHOICES, (name, *choice), strict=False)) for name, items in lists.items() for choice in items]


YES_NO = [("yes", "是", "Yes"), ("no", "否", "No")]
CATEGORIES = [
    ("wage_arrears", "欠薪", "Wage arrears"), ("social_insurance", "社保缴纳", "Social insurance contributions"),
    ("medical_insurance", "医疗保险", "Medical insurance"), ("housing_fund", "住房公积金", "Housing provident fund"),
    ("labour_contract", "劳动合同与派遣", "Labour contract and dispatch work"),
    ("collective_bargaining", "集体协商", "Collective bargaining"), ("hours_leave", "工时与休假", "Working hours and leave"),
    ("work_injury", "工伤", "Work injury"), ("occupational_health", "职业健康", "Occupational health"),
    ("work_safety", "安全生产", "Work safety"), ("skill_training", "技能培训", "Skill training"),
    ("skill_certification", "技能等级认定", "Skill level certification"),
    ("title_review", "职称评审", "Professional title review"), ("skill_allowance", "技能津贴与薪酬", "Skill allowance and pay"),
    ("school_enterprise", "校企合作", "School-enterprise cooperation"), ("education_upgrade", "学历提升", "Further education"),
    ("innovation_studio", "创新工作室", "Innovation studio"), ("innovation_result", "创新成果与专利", "Innovation results and patents"),
    ("skill_competition", "技能竞赛", "Skill competition"), ("union_formation", "建会入会", "Forming or joining a union"),
    ("party_development", "党员发展", "Party membership"), ("political_role", "代表委员与兼职", "Representative roles"),
    ("model_worker", "劳模待遇", "Model worker benefits"), ("ideology", "思想引领阵地", "Ideological guidance venues"),
    ("democratic_management", "职代会与厂务公开", "Workers' congress and open management"),
    ("child_schooling", "子女入学", "Children's schooling"), ("public_housing", "公租房与住房", "Public rental housing"),
    ("household_registration", "户籍落户", "Household registration"), ("new_employment", "新就业形态", "New forms of employment"),
    ("female_worker", "女职工权益", "Women workers' rights"), ("hardship", "困难帮扶", "Hardship relief"),
    ("legal_aid", "法律援助与调解", "Legal aid and mediation"), ("disabled_worker", "残疾职工", "Workers with disabilities"),
    ("wellbeing", "婚恋心理文体", "Wellbeing and culture"), ("sme_policy", "惠企政策", "Policies for small firms"),
    ("recruitment", "招工用工", "Recruitment"), ("park_facilities", "通勤食堂宿舍", "Commuting canteen and dormitory"),
    ("other", "其他", "Other"),
]  # fmt: skip
OPINIONS = [
    ("5", "非常符合", "Fully true", 5), ("4", "比较符合", "Mostly true", 4), ("3", "一般", "Partly true", 3),
    ("2", "不太符合", "Hardly true", 2), ("1", "完全不符合", "Not true at all", 1),
]  # fmt: skip

ANEW = {"prefill": "no"}
"""For what is asked of this visit: never filled in with what was answered at the last."""
NOT_MORE_THAN_STAFF = ("不能超过职工总数", "This cannot exceed the number of employees")
CATEGORY = must("select_one category", "issue_category", "问题类别", "Category", appearance="minimal autocomplete")


def visit() -> tuple[Row, list[Row], list[Row]]:
    """The visit to a pilot enterprise."""
    survey = [
        q("begin group", "arrival", "走访方式", "How visited", appearance="field-list"),
        must("select_one mode", "mode", "走访方式", "How visited", **ANEW),
        must("geopoint", "check_in", "现场签到定位", "Check-in location", relevant="${mode} = 'on_site'",
             warning="number(selected-at(., 3)) <= 100", warning_message=("定位精度超过 100 米", "The accuracy is worse than 100 m")),
        must("image", "check_in_photo", "现场照片", "Photo on site", relevant="${mode} = 'on_site'", **PHOTO),
        must("text", "interviewee", "受访人及职务", "Interviewee and position", personal="yes", **ANEW),
        end("group"),
        q("begin group", "staff", "职工队伍", "The workforce"),
        must("integer", "employees", "职工总数", "Employees", constraint=". >= 1 and . <= 50000",
             constraint_message=("应在 1 到 50000 之间", "This must be between 1 and 50000")),
        must("integer", "frontline", "一线产业工人数", "Front-line workers", constraint=". >= 0 and . <= ${employees}",
             constraint_message=NOT_MORE_THAN_STAFF),
        q("integer", "dispatched", "劳务派遣人数", "Dispatched workers", constraint=". >= 0"),
        end("group"),
        q("begin group", "political", "政治上保证", "Political guarantees"),
        must("select_one union", "union", "工会组织", "Trade union", dimension="political"),
        must("integer", "members", "工会会员数", "Union members", relevant="${union} != 'none'",
             constraint=". >= 0 and . <= ${employees}", constraint_message=NOT_MORE_THAN_STAFF),
        must("select_one union", "party_branch", "党组织", "Party branch", dimension="political"),
        must("integer", "party_recruits", "当年发展一线产业工人党员数", "Front-line party members recruited this year", **ANEW,
             constraint=". >= 0 and . <= ${frontline}", dimension="political",
             constraint_message=("不能超过一线产业工人数", "This cannot exceed the number of front-line workers"),
             score="if(. >= 3, 5, if(. >= 1, 3, 0))"),
        end("group"),
        q("begin group", "institutional", "制度上落实", "Institutions in place"),
        must("select_one plan", "reform_plan", "产改纳入企业发展规划", "Reform in the company plan", dimension="institutional"),
        must("select_multiple institution", "institutions", "已建立的制度", "Institutions established", dimension="institutional",
             constraint="not(selected(., 'none') and count-selected(.) > 1)",
             constraint_message=("选择“均无”时不能再选其他", "“None” excludes the others"),
             score="if(selected(., 'none'), 0, min(5, count-selected(.)))"),
        must("date", "contract_expiry", "集体合同到期日", "Collective contract expires on",
             relevant="selected(${institutions}, 'collective_contract')", warning=". >= today()",
             warning_message=("集体合同已到期", "The collective contract has expired")),
        end("group"),
        q("begin group", "quality", "素质上提高", "Skills raised"),
        must("integer", "certified", "持证技能人才数", "Certified skilled workers", constraint=". >= 0 and . <= ${employees}",
             constraint_message=NOT_MORE_THAN_STAFF),
        must("integer", "senior_skilled", "高技能人才数(高级工及以上)", "Senior skilled workers",
             constraint=". >= 0 and . <= ${certified}",
             constraint_message=("不能超过持证技能人才数", "This cannot exceed the certified workers")),
        q("calculate", "senior_share", calculation="if(${certified} > 0, round(${senior_skilled} div ${certified}, 4), 0)",
          dimension="quality", score="if(. >= 0.3, 5, if(. >= 0.15, 3, 1))"),
        must("decimal", "training_spend", "职工教育经费占工资总额(%)", "Training spend, % of payroll",
             constraint=". >= 0 and . <= 100", constraint_message=("应在 0 到 100 之间", "This must be between 0 and 100"),
             warning=". <= 8", warning_message=("超过 8%,请核对", "More than 8 %, please check"), dimension="quality",
             score="if(. >= 2.5, 5, if(. >= 1.5, 4, if(. >= 0.8, 3, if(. > 0, 1, 0))))"),
        must("select_one studio", "innovation_studio", "创新工作室级别", "Innovation studio level", dimension="quality"),
        end("group"),
        q("begin group", "rights", "权益上维护", "Rights upheld"),
        must("select_one arrears", "arrears", "近 12 个月欠薪情况", "Wage arrears in the last 12 months", **ANEW, dimension="rights"),
        must("select_one accident", "fatal_accident", "近 12 个月发生死亡事故", "Fatal accident in the last 12 months", **ANEW,
             dimension="rights"),
        q("note", "veto_note", "该企业列入一票否决候选,请如实记录", "The enterprise becomes a candidate for the veto; record with care",
          relevant="${fatal_accident} = 'yes'"),
        end("group"),
        q("begin repeat", "open_issues", "未办结问题核实", "Issues still open", prefill="open_issues"),
        q("hidden", "open_issue", prefill="id"),
        q("select_one category", "open_category", "问题类别", "Category", read_only="yes", prefill="category"),
        q("text", "open_description", "问题描述", "Description", read_only="yes", prefill="description"),
        must("select_one verified", "verified", "现场核实情况", "As found on the spot"),
        q("text", "verified_note", "核实说明", "What was found", appearance="multiline"),
        end("repeat"),
        q("begin repeat", "issues", "发现的问题", "Issues found", max_rows=20),
        CATEGORY,
        must("text", "issue_description", "问题描述(不少于 10 字)", "Description (at least 10 characters)", appearance="multiline",
             constraint="string-length(normalize-space(.)) >= 10",
             constraint_message=("至少 10 个字", "At least 10 characters")),
        q("begin repeat", "issue_photos", "问题照片", "Photos", max_rows=9),
        must("image", "issue_photo", "照片", "Photo", **PHOTO),
        end("repeat"),
        end("repeat"),
        must("acknowledge", "issues_done", "问题已登记完毕", "All issues are recorded",
             constraint="${arrears} != 'open' or count(${issues}) > 0",
             constraint_message=("存在未解决的欠薪,必须登记问题", "Open wage arrears must be recorded as an issue")),
        q("text", "remarks", "其他情况", "Remarks", **ANEW, appearance="multiline"),
    ]  # fmt: skip
    lists = choices(
        mode=[("on_site", "实地走访", "On site"), ("meeting", "会议座谈", "Meeting"), ("phone", "电话", "Phone")],
        union=[("own", "单独建立", "Its own", 5), ("joint", "联合建立", "Joint", 3), ("none", "未建立", "None", 0)],
        plan=[("done", "已纳入", "Done", 5), ("planned", "计划纳入", "Planned", 3), ("none", "未纳入", "No", 0)],
        institution=[
            ("workers_congress", "职工代表大会", "Workers' congress"),
            ("open_management", "厂务公开", "Open management"),
            ("collective_contract", "集体合同", "Collective contract"),
            ("wage_agreement", "工资集体协商", "Wage agreement"),
            ("skill_allowance", "技能津贴", "Skill allowance"),
            ("apprenticeship", "师徒结对", "Apprenticeship"),
            ("none", "均无", "None"),
        ],
        studio=[
            ("national", "国家级", "National", 5),
            ("province", "省级", "Provincial", 5),
            ("wuxi", "无锡市级", "Wuxi", 4),
            ("city", "江阴市级", "Jiangyin", 3),
            ("enterprise", "企业级", "Enterprise", 2),
            ("none", "无", "None", 0),
        ],
        arrears=[
            ("none", "无", "None", 5),
            ("solved", "有,已解决", "Yes, solved", 3),
            ("open", "有,未解决", "Yes, open", 0),
        ],
        accident=[("none", "无", "No", 5), ("yes", "有", "Yes", 0)],
        verified=[("solved", "已解决", "Solved"), ("partly", "部分解决", "In part"), ("open", "未解决", "Not solved")],
        category=CATEGORIES,
    )
    settings = {
        "form_title": ("试点企业走访表", "Visit to a pilot enterprise"),
        "form_id": "visit",
        "scoring": "points",
    }
    return settings, survey, lists


def opinion(name: str, zh: str, en: str, dimension: str, **cells: Any) -> Row:
    return must("select_one opinion", name, zh, en, dimension=dimension, appearance="likert", **cells)


def worker_satisfaction() -> tuple[Row, list[Row], list[Row]]:
    """What workers think, without names."""
    survey = [
        q("note", "promise", "本问卷匿名,不记录姓名、位置和设备", "Anonymous: no name, place or device is recorded"),
        must("select_one yes_no", "consent", "是否愿意参加本次调查", "Will you take part?"),
        q("begin group", "body", "问卷", "Questions", relevant="${consent} = 'yes'"),
        must("select_one age", "age", "年龄", "Age"),
        q("select_one gender", "gender", "性别(可不填)", "Gender (optional)"),
        must("select_one employment", "employment", "用工形式", "Form of employment"),
        must("select_one tenure", "tenure", "本企业工龄", "Years with this enterprise"),
        must("select_one skill", "skill", "技能等级", "Skill level"),
        opinion("opinions_valued", "企业重视一线工人的意见", "The enterprise values front-line workers' opinions", "political"),
        must("select_one union_member", "union_member", "是否工会会员", "Union member?", dimension="political"),
        must("select_one why_not", "why_not", "未入会的原因", "Why not?", relevant="${union_member} = 'no'"),
        opinion("union_helps", "遇到困难时工会和党组织能提供帮助", "Union and party help when needed", "political"),
        opinion("promotion_path", "我的成长晋升通道清晰", "My path of promotion is clear", "institutional"),
        opinion("skill_pays", "技能提升能带来收入增长", "Better skills bring better pay", "institutional"),
        must("select_one training", "training_times", "近一年参加技能培训次数", "Trainings in the past year", dimension="quality"),
        opinion("training_useful", "培训对工作有帮助", "The training was useful", "quality", relevant="${training_times} != 'none'"),
        opinion("improvement", "我有机会参与技术革新和合理化建议", "I can take part in improvements", "quality"),
        must("select_one pay", "pay_on_time", "工资是否按时发放", "Is pay on time?", dimension="rights"),
        must("select_one insured", "insured", "是否缴纳社会保险", "Are you insured?", dimension="rights"),
        opinion("hours", "工作时间和休息休假合理", "Hours and leave are reasonable", "rights"),
        opinion("safety", "工作环境安全", "The workplace is safe", "rights"),
        must("select_multiple category", "wanted", "最希望解决的问题(最多 3 项)", "What should be solved first (3 at most)",
             constraint="count-selected(.) <= 3", constraint_message=("最多选 3 项", "Choose 3 at most"), appearance="minimal"),
        end("group"),
        q("note", "thanks", "感谢您的参与", "Thank you"),
    ]  # fmt: skip
    lists = choices(
        yes_no=YES_NO,
        age=[
            ("under_25", "25 岁以下", "Under 25"),
            ("25_34", "25–34 岁", "25–34"),
            ("35_44", "35–44 岁", "35–44"),
            ("45_54", "45–54 岁", "45–54"),
            ("55_up", "55 岁及以上", "55 and over"),
        ],
        gender=[("female", "女", "Female"), ("male", "男", "Male")],
        employment=[
            ("contract", "劳动合同制", "Labour contract"),
            ("dispatch", "劳务派遣", "Dispatched"),
            ("outsourced", "外包", "Outsourced"),
            ("temporary", "临时或非全日制", "Temporary or part-time"),
        ],
        tenure=[
            ("under_1", "1 年以下", "Under 1"),
            ("1_3", "1–3 年", "1–3"),
            ("3_10", "3–10 年", "3–10"),
            ("10_up", "10 年以上", "Over 10"),
        ],
        skill=[
            ("none", "无等级", "None"),
            ("junior", "初级工", "Junior"),
            ("middle", "中级工", "Middle"),
            ("senior", "高级工", "Senior"),
            ("technician", "技师及以上", "Technician or above"),
        ],
        opinion=OPINIONS,
        union_member=[("yes", "是", "Yes", 5), ("no", "否", "No", 1), ("unsure", "不清楚", "Do not know")],
        why_not=[
            ("no_union", "企业没有工会", "There is no union"),
            ("not_asked", "没有人邀请", "Nobody asked"),
            ("no_use", "觉得没有用", "It seems of no use"),
            ("other", "其他", "Other"),
        ],
        training=[
            ("none", "没有", "None", 1),
            ("once", "1 次", "Once", 3),
            ("twice", "2–3 次", "2–3", 4),
            ("often", "4 次及以上", "4 or more", 5),
        ],
        pay=[
            ("always", "总是按时", "Always", 5),
            ("mostly", "偶尔拖延", "Late now and then", 3),
            ("often_late", "经常拖欠", "Often late", 1),
        ],
        insured=[
            ("full", "五险齐全", "All kinds", 5),
            ("part", "部分险种", "Some kinds", 3),
            ("no", "没有", "No", 1),
            ("unsure", "不清楚", "Do not know"),
        ],
        category=CATEGORIES,
    )
    settings = {
        "form_title": ("产业工人满意度调查", "Worker satisfaction"), "form_id": "worker_satisfaction", "scoring": "mean",
        "score_when": "${consent} = 'yes'", "anonymous": "yes",
    }  # fmt: skip
    return settings, survey, lists


def judged(name: str, zh: str, en: str, dimension: str) -> list[Row]:
    """A five-point judgement; the extremes need a reason in words or a photo."""
    extreme = f"${{{name}}} != '' and (number(${{{name}}}) <= 2 or number(${{{name}}}) = 5)"
    reason = {
        "required_message": (
            "评分过低或满分须有文字或照片说明",
            "A score of 2 or less, or of 5, needs a text or a photo",
        )
    }
    return [
        opinion(name, zh, en, dimension),
        q("text", f"{name}_reason", "评分说明", "Reason for the score", relevant=extreme,
          required=f"${{{name}_photo}} = ''", **reason),
        q("image", f"{name}_photo", "佐证照片", "Photo as evidence", relevant=extreme, **PHOTO),
    ]  # fmt: skip


def observer() -> tuple[Row, list[Row], list[Row]]:
    """The observer's assessment."""
    share = "if(. >= 0.8, 5, if(. >= 0.6, 4, if(. >= 0.4, 3, if(. >= 0.2, 2, 1))))"
    survey = [
        must("select_one yes_no", "conflict", "与该企业是否存在利益关系", "Any conflict of interest with this enterprise?"),
        q("note", "conflict_note", "存在利益关系的,本次评估不计分", "With a conflict of interest this assessment is not scored",
          relevant="${conflict} = 'yes'"),
        must("select_one how", "how", "观察方式", "How observed"),
        must("select_multiple theme", "theme", "观察主题", "Themes"),
        q("begin group", "interviews", "随机访谈", "Interviews"),
        must("integer", "interviewed", "随机访谈工人数(不少于 3 人)", "Workers interviewed at random (3 or more)",
             constraint=". >= 3 and . <= 500", constraint_message=("至少访谈 3 人", "Interview at least 3")),
        must("integer", "aware", "其中知晓产改政策的人数", "Of these, know of the reform",
             constraint=". >= 0 and . <= ${interviewed}", constraint_message=("不能超过访谈人数", "This cannot exceed those interviewed")),
        q("calculate", "awareness", calculation="if(${interviewed} > 0, round(${aware} div ${interviewed}, 4), '')",
          dimension="political", score=share),
        *judged("party_guidance", "思想政治引领落到实处", "Ideological guidance is real", "political"),
        *judged("voice", "工人的意见得到回应", "Workers' opinions are answered", "political"),
        end("group"),
        q("begin group", "institutional", "制度上落实", "Institutions in place"),
        *judged("institutions_real", "制度真实运行而非仅上墙", "Institutions are real and not only on the wall", "institutional"),
        must("integer", "policies_checked", "核查的政策承诺数", "Policies checked", constraint=". >= 0 and . <= 100"),
        must("integer", "policies_honoured", "其中已兑现数", "Of these, honoured", constraint=". >= 0 and . <= ${policies_checked}",
             constraint_message=("不能超过核查数", "This cannot exceed those checked")),
        q("calculate", "honoured_share",
          calculation="if(${policies_checked} > 0, round(${policies_honoured} div ${policies_checked}, 4), '')",
          dimension="institutional", score=share),
        end("group"),
        q("begin group", "quality", "素质上提高", "Skills raised"),
        *judged("training_real", "技能培训真实有效", "Training is real", "quality"),
        *judged("innovation_applied", "职工创新成果得到应用", "Workers' innovations are applied", "quality"),
        end("group"),
        q("begin group", "rights", "权益上维护", "Rights upheld"),
        *judged("grievance_channel", "诉求渠道畅通", "The grievance channel works", "rights"),
        *judged("safety", "劳动安全卫生条件", "Safety and health at work", "rights"),
        end("group"),
        must("select_one yes_no", "ledger_matches", "台账与实际是否相符", "Does the ledger match reality?"),
        must("text", "ledger_difference", "不符之处(作为造假线索上报)", "What differs (reported as a falsification lead)",
             relevant="${ledger_matches} = 'no'", appearance="multiline"),
        must("text", "suggestion", "意见建议(不少于 30 字)", "Suggestion (at least 30 characters)", appearance="multiline",
             constraint="string-length(normalize-space(.)) >= 30", constraint_message=("至少 30 个字", "At least 30 characters")),
        must("select_one yes_no", "recommend", "是否推荐为典型案例", "Recommend as an exemplary case?"),
        must("text", "recommend_reason", "推荐理由", "Why", relevant="${recommend} = 'yes'", appearance="multiline"),
    ]  # fmt: skip
    lists = choices(
        yes_no=YES_NO,
        how=[
            ("open", "公开观察", "Open"),
            ("unannounced", "随机暗访", "Unannounced"),
            ("sitting_in", "列席会议", "Sitting in"),
            ("interview", "个别访谈", "Interview"),
        ],
        theme=[
            ("political", "政治上保证", "Political guarantees"),
            ("institutional", "制度上落实", "Institutions"),
            ("quality", "素质上提高", "Skills"),
            ("rights", "权益上维护", "Rights"),
            ("other", "其他", "Other"),
        ],
        opinion=[
            ("5", "5 很好", "5 very good", 5),
            ("4", "4 较好", "4 good", 4),
            ("3", "3 一般", "3 fair", 3),
            ("2", "2 较差", "2 poor", 2),
            ("1", "1 很差", "1 very poor", 1),
        ],
    )
    settings = {
        "form_title": ("观察员评估表", "Observer's assessment"), "form_id": "observer", "scoring": "points", **ANEW,
        "score_when": "${conflict} = 'no'",
    }  # fmt: skip
    return settings, survey, lists


def credit_code_rule() -> str:
    """GB 32100-2015: the weighted values of all 18 characters add up to a multiple of 31."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    terms = []
    for place in range(18):
        weight = pow(3, place, 31) if place < 17 else 1
        terms.append(f"string-length(substring-before('{alphabet}', substr(., {place}, {place + 1}))) * {weight}")
    return f"regex(., '[{alphabet}]{{18}}') and ({' + '.join(terms)}) mod 31 = 0"


PARKS = [
    ("gaoxin", "江阴高新区生物医药产业园", "Jiangyin High-tech Zone biomedical park", "320281001"),
    ("chengjiang", "澄江都市工业园", "Chengjiang urban industry park", "320281001"),
    ("nanzha", "南闸智能制造产业园", "Nanzha smart manufacturing park", "320281004"),
    ("yunting", "云亭新材料产业园", "Yunting new materials park", "320281005"),
    ("shengang", "申港综合物流产业园", "Shengang logistics park", "320281007"),
    ("ligang", "利港新能源产业园", "Ligang new energy park", "320281008"),
    ("xiagang", "夏港高端金属制品产业园", "Xiagang metal products park", "320281009"),
    ("huangtu", "璜土光伏产业园", "Huangtu photovoltaic park", "320281100"),
    ("yuecheng", "月城园区", "Yuecheng Park", "320281102"),
    ("qingyang", "青阳园区", "Qingyang Park", "320281103"),
    ("xuxiake", "徐霞客机械装备产业园", "Xuxiake machinery park", "320281104"),
    ("huashi", "华士金属新材料产业园", "Huashi metals park", "320281105"),
    ("zhouzhuang", "周庄高端纺织产业园", "Zhouzhuang textile park", "320281106"),
    ("xinqiao", "新桥毛纺服装产业园", "Xinqiao wool and garment park", "320281107"),
    ("changjing", "长泾幸福田园产业园", "Changjing park", "320281108"),
    ("gushan", "顾山红豆电器产业园", "Gushan electrical park", "320281109"),
    ("zhutang", "祝塘针织服装产业园", "Zhutang knitwear park", "320281110"),
]


def sme_problems() -> tuple[Row, list[Row], list[Row]]:
    """Problems of small firms, collected at the guidance stations."""
    open_case = "not(selected(${channels_used}, 'court'))"
    survey = [
        q("begin group", "firm", "企业信息", "The firm"),
        must("text", "credit_code", "统一社会信用代码", "Unified social credit code", constraint=credit_code_rule(),
             constraint_message=("信用代码有误,请核对", "The code is wrong; please check")),
        must("select_one size", "size", "企业规模", "Size"),
        must("select_one_from_file regions.csv", "town", "所属镇街", "Town", appearance="minimal"),
        q("select_one park", "park", "所在园区", "Park", choice_filter="town = ${town}"),
        end("group"),
        q("begin group", "problem", "问题", "The problem"),
        must("select_one channel", "channel", "来访渠道", "Channel"),
        must("select_one nature", "nature", "诉求性质", "Nature"),
        must("select_one category", "category", "问题类别", "Category", appearance="minimal autocomplete"),
        must("integer", "affected", "涉及人数", "People affected", constraint=". >= 1 and . <= 100000",
             constraint_message=("至少 1 人", "At least 1")),
        must("text", "description", "问题描述(20–500 字)", "Description (20–500 characters)", appearance="multiline",
             constraint="string-length(normalize-space(.)) >= 20 and string-length(.) <= 500",
             constraint_message=("应为 20 到 500 字", "20 to 500 characters")),
        q("begin repeat", "files", "附件", "Files", max_rows=9),
        must("file", "attachment", "附件", "File"),
        end("repeat"),
        must("select_multiple used", "channels_used", "此前已反映的渠道", "Channels already used",
             constraint="not(selected(., 'none') and count-selected(.) > 1)",
             constraint_message=("选择“均无”时不能再选其他", "“None” excludes the others")),
        must("text", "case_12345", "12345 工单编号", "12345 case number", relevant="selected(${channels_used}, '12345')"),
        q("note", "court_note", "已进入诉讼或仲裁程序的事项不予受理,请引导依法定程序解决",
          "What is before a court or in arbitration is not accepted here; guide them to that procedure",
          relevant="selected(${channels_used}, 'court')"),
        end("group"),
        q("begin group", "contact", "联系与办理", "Contact and handling", relevant=open_case),
        must("select_one yes_no", "confidential", "是否要求保密", "Confidential?"),
        must("text", "phone", "联系电话", "Phone", personal="yes",
             relevant="${confidential} = 'no'", constraint=r"regex(., '^1[3-9]\d{9}$')",
             constraint_message=("请填写 11 位手机号码", "A mobile number of 11 digits"), appearance="numbers"),
        must("select_multiple policy", "policies_known", "了解的政策", "Policies known", dimension="institutional",
             constraint="not(selected(., 'none') and count-selected(.) > 1)",
             constraint_message=("选择“均不了解”时不能再选其他", "“None” excludes the others"),
             score="if(selected(., 'none'), 0, min(5, count-selected(.)))"),
        must("select_one yes_no", "answered_now", "是否当场答复", "Answered on the spot?"),
        must("text", "answer", "答复内容", "The answer", relevant="${answered_now} = 'yes'", appearance="multiline"),
        q("note", "reported_note", "将上报产改办派单办理", "It will be reported for dispatch", relevant="${answered_now} = 'no'"),
        end("group"),
    ]  # fmt: skip
    lists = choices(
        yes_no=YES_NO,
        size=[
            ("medium", "中型", "Medium"),
            ("small", "小型", "Small"),
            ("micro", "微型", "Micro"),
            ("individual", "个体工商户", "Individual"),
        ],
        park=[(code, zh, en, None, town) for code, zh, en, town in PARKS],
        channel=[
            ("counter", "窗口来访", "At the counter"),
            ("phone", "电话", "Phone"),
            ("visit", "上门走访", "Visit"),
            ("online", "网络", "Online"),
            ("event", "集中服务活动", "Event"),
        ],
        nature=[
            ("consult", "咨询", "Question"),
            ("appeal", "诉求", "Request"),
            ("complaint", "投诉", "Complaint"),
            ("suggestion", "建议", "Suggestion"),
        ],
        category=CATEGORIES,
        used=[
            ("none", "均无", "None"),
            ("12345", "12345 热线", "12345 hotline"),
            ("12351", "12351 职工热线", "12351 union hotline"),
            ("department", "主管部门", "A department"),
            ("court", "法院或仲裁", "Court or arbitration"),
        ],
        policy=[
            ("training_subsidy", "技能提升补贴", "Training subsidy"),
            ("apprenticeship", "企业新型学徒制", "New apprenticeship"),
            ("skill_rating", "技能等级自主评价", "Own skill rating"),
            ("tax", "税费优惠", "Tax relief"),
            ("loan", "创业担保贷款", "Start-up loans"),
            ("stable_jobs", "稳岗返还", "Stable-job refund"),
            ("none", "均不了解", "None"),
        ],
    )
    settings = {
        "form_title": ("中小微企业问题征集表", "Small-firm problems"),
        "form_id": "sme_problems",
        **ANEW,
        "scoring": "points",
    }
    return settings, survey, lists


def write(settings: Row, survey: list[Row], lists: list[Row]) -> Path:
    """One workbook, with the columns a sheet uses and nothing that changes from run to run."""
    path = HERE / f"{settings['form_id']}.xlsx"
    title_zh, title_en = settings["form_title"]
    settings = {
        "form_title": title_zh, "form_title" + EN: title_en, "default_language": "Chinese (zh)",
        "version": "1", **{name: value for name, value in settings.items() if name != "form_title"},
    }  # fmt: skip
    book = xlsxwriter.Workbook(str(path))
    book.set_properties({"title": title_zh, "created": datetime(2026, 11, 1, tzinfo=UTC)})
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7"})
    for name, columns, rows in (
        ("survey", SURVEY, survey),
        ("choices", CHOICES, lists),
        ("settings", tuple(settings), [settings]),
    ):
        sheet = book.add_worksheet(name)
        used = [column for column in columns if any(row.get(column) not in (None, "") for row in rows)]
        sheet.freeze_panes(1, 2)
        sheet.set_column(0, len(used) - 1, 22)
        for at, column in enumerate(used):
            sheet.write_string(0, at, column, head)
        for line, row in enumerate(rows, start=1):
            for at, column in enumerate(used):
                value = row.get(column)
                if value not in (None, ""):
                    sheet.write(line, at, value) if not isinstance(value, str) else sheet.write_string(line, at, value)
    book.close()
    return path


if __name__ == "__main__":
    for questionnaire in (visit, worker_satisfaction, observer, sme_problems):
        print(write(*questionnaire()).name)
