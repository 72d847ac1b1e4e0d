"""What people say in the demo world. Every sentence is invented."""

from __future__ import annotations

CATEGORIES = {
    "wage_arrears": 5, "social_insurance": 6, "medical_insurance": 3, "housing_fund": 4, "labour_contract": 4,
    "collective_bargaining": 3, "hours_leave": 5, "work_injury": 3, "occupational_health": 4, "work_safety": 6,
    "skill_training": 8, "skill_certification": 5, "title_review": 3, "skill_allowance": 5, "school_enterprise": 3,
    "education_upgrade": 2, "innovation_studio": 2, "innovation_result": 2, "skill_competition": 2, "union_formation": 3,
    "party_development": 3, "political_role": 1, "model_worker": 1, "ideology": 1, "democratic_management": 3,
    "child_schooling": 6, "public_housing": 5, "household_registration": 3, "new_employment": 2, "female_worker": 2,
    "hardship": 3, "legal_aid": 2, "disabled_worker": 1, "wellbeing": 2, "sme_policy": 3, "recruitment": 3,
    "park_facilities": 7, "other": 2,
}  # fmt: skip
"""How often each category comes up."""

PROBLEMS = {
    "wage_arrears": ("外包班组反映上月工资尚未结清,涉及{n}人", "装配车间部分职工加班工资拖欠两个月,涉及{n}人"),
    "social_insurance": ("新进职工三个月未参保,涉及{n}人", "社保缴费基数低于实际工资,职工要求核查,涉及{n}人"),
    "medical_insurance": ("异地就医备案后仍无法直接结算,{n}名职工垫付医药费",),
    "housing_fund": ("一线职工未缴存住房公积金,涉及{n}人", "公积金提取材料反复补正,{n}名职工来回跑"),
    "labour_contract": ("劳务派遣人员超过规定比例,涉及{n}人", "劳动合同到期未续签仍在岗,涉及{n}人"),
    "collective_bargaining": ("工资集体协商已两年未开展,职工要求重新协商", "集体合同到期,企业迟迟未启动续签"),
    "hours_leave": ("旺季连续加班三周,调休没有安排,涉及{n}人", "年休假只在淡季统一安排,职工有意见,涉及{n}人"),
    "work_injury": ("职工上班途中受伤,工伤认定申请已一个月无答复", "工伤职工停工留薪期工资未足额发放"),
    "occupational_health": ("打磨工位粉尘较大,除尘设备老化,涉及{n}人", "喷涂车间职业健康体检未按期组织,涉及{n}人"),
    "work_safety": ("行车吊具磨损严重仍在使用", "危化品仓库与生产区安全距离不足", "外立面施工脚手架未验收即投入使用"),
    "skill_training": ("数控机床操作培训名额太少,每批只有六人,{n}人想参加", "夜班职工无法参加白天的技能培训,涉及{n}人"),
    "skill_certification": ("企业自主评价的技能等级证书外单位不认可,涉及{n}人", "技能等级认定考点太远,{n}名职工希望送考进厂"),
    "title_review": ("高技能人才与工程技术人才职称贯通办法不清楚,{n}人咨询",),
    "skill_allowance": ("高级工津贴标准三年没有调整,涉及{n}人", "取得技师证书后岗位工资没有变化,涉及{n}人"),
    "school_enterprise": ("与职业院校共建的实训基地设备闲置,希望对接新专业",),
    "education_upgrade": ("一线职工希望在园区开设大专学历班,{n}人报名",),
    "innovation_studio": ("劳模创新工作室缺少场地和经费,申报材料不熟悉",),
    "innovation_result": ("职工改进的工装夹具想申请专利,不了解费用减免",),
    "skill_competition": ("希望把焊工比武纳入市级技能竞赛,{n}人愿意参赛",),
    "union_formation": ("企业职工{n}人,尚未建立工会", "劳务派遣工无法加入用工单位工会,涉及{n}人"),
    "party_development": ("一线产业工人党员发展名额少,{n}人递交申请书",),
    "political_role": ("一线工人代表建议渠道不畅,希望列席企业经营会议",),
    "model_worker": ("市级劳模疗休养名额未落实",),
    "ideology": ("车间缺少学习阵地,希望配送宣讲进班组",),
    "democratic_management": ("职代会流于形式,奖金分配方案未经审议", "厂务公开栏半年没有更新"),
    "child_schooling": ("外地职工子女秋季入学手续遇到困难,涉及{n}户", "园区周边幼儿园学位不足,{n}户职工排队"),
    "public_housing": ("青年职工申请公租房排队超过一年,涉及{n}人", "集体宿舍年久失修,{n}人希望申请人才公寓"),
    "household_registration": ("技能人才落户材料要求与网上不一致,{n}人咨询",),
    "new_employment": ("厂区周边外卖站点骑手没有休息和充电场所,涉及{n}人",),
    "female_worker": ("哺乳室被改作仓库,女职工有意见,涉及{n}人",),
    "hardship": ("职工家属重病,家庭困难,申请帮扶", "{n}名困难职工家庭子女助学申请未答复"),
    "legal_aid": ("竞业限制补偿未支付,{n}名离职职工希望法律援助",),
    "disabled_worker": ("残疾职工岗位补贴申请材料被退回",),
    "wellbeing": ("单身青工多,希望组织联谊和心理辅导,涉及{n}人",),
    "sme_policy": ("稳岗返还政策申报入口找不到,错过申报期", "首台套奖补政策解读会希望送到园区"),
    "recruitment": ("熟练挡车工招工困难,缺口{n}人",),
    "park_facilities": ("园区没有通勤班车,夜班职工回家不方便,涉及{n}人", "园区食堂夜间不供餐,涉及{n}人", "厂区门口路灯损坏,夜班出行不安全"),
    "other": ("职工反映厂区外河道异味较重,希望协调", "快递无法送入园区,职工取件不便"),
}  # fmt: skip

SUMMARIES = (
    "企业重视产改工作,班组长队伍稳定,现场管理规范。",
    "查看了培训台账和职代会记录,与五名一线职工交谈。",
    "产线满负荷运转,职工对技能津贴较为关注。",
    "走访了两个车间,已提醒企业按期续签集体合同。",
    "工会主席介绍了师徒结对情况,资料齐全。",
    "受访职工对食堂和通勤意见较集中,已登记。",
)
OBSERVED = ("随机访谈一线职工,核对制度落实情况。", "列席班组会,查看津贴发放记录。")
INTERVIEWED = ("工会主席", "人力资源部经理", "生产部主任", "党支部书记", "车间主任")

CONTACT = ("已与企业和职工代表取得联系,正在核实情况。", "已电话联系上报人,约定时间到现场。", "已通知企业准备相关资料。")
REPLIES = {
    "solved": ("经现场核查并督促整改,问题已解决,附整改照片。", "已会同镇街到企业协调,职工诉求已落实。", "已办结并向职工代表说明。"),
    "partly": ("已解决主要部分,其余事项列入整改计划,月底前完成。",),
    "explained": ("按现行政策暂不符合条件,已向职工解释并提供替代渠道。", "经核实系误解,已当面说明政策口径。"),
    "not_yet": ("受资金和指标限制暂时难以解决,已列入下一年度计划。",),
}  # fmt: skip
OPINIONS = (
    "同意牵头部门意见,已安排专人配合。",
    "已提供相关登记信息,供牵头部门参考。",
    "涉及我单位部分已落实,无其他意见。",
    "建议一并核查同类企业。",
)
PHONED = "办公室电话征求意见,各协办单位无不同意见。"
GROUNDS = ("该事项不属于我单位职责,建议由{other}办理。", "经核实主管单位应为{other}。")
EXTENSION = ("需等待第三方检测结果", "涉及人数较多,需逐一核实", "企业申请延长整改时间")
REFUSED_REPLY = ("未附佐证材料,请补充", "只作解释未提出措施,请重新办理", "反馈与上报事项不符,请核对")
REWORK = ("回访职工表示问题没有解决", "整改不到位,职工不满意")
REASONS = {
    "transfer": "经研究,由相关职能部门牵头更为合适",
    "urge": "即将超期,请抓紧办理。",
    "supervise": "已超期,请分管领导督促办理",
    "reject": "非产改受理范围,已告知上报人通过司法途径解决。",
    "reopen": "职工反映同类问题再次出现,有新的证据",
}
ANSWERED_NOW = (
    "已当场说明政策依据和申请流程,并提供办事指南。",
    "已帮助企业在网上提交申请。",
    "已当场联系主管部门窗口,答复清楚。",
)
WITHDRAWN = "企业已当场整改,撤回上报。"
ASKED = ("已电话回访,职工表示{word}。", "现场回访职工代表,表示{word}。")
