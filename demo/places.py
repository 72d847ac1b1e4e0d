"""The towns of the demo world: where they lie (WGS-84), what is made there, how many enterprises they have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Town:
    """A town by its region code. ``slug`` names its people's accounts, ``share`` is its number of enterprises of 60."""

    code: str
    slug: str
    lat: float
    lon: float
    share: int
    park: str
    industries: tuple[str, ...]
    brand: str
    diligence: float
    """The part of its planned visits that is made."""


TOWNS = (
    Town("320281106", "zhouzhuang", 31.862, 120.415, 8, "周庄高端纺织产业园", ("textile", "chemicals", "machinery"), "班组议事角", 0.96),
    Town("320281107", "xinqiao", 31.815, 120.505, 5, "新桥毛纺服装产业园", ("garments", "textile"), "纺织工匠学院", 0.93),
    Town("320281001", "chengjiang", 31.910, 120.285, 6, "澄江都市工业园", ("construction", "services", "food"), "车间连心桥", 0.88),
    Town("320281105", "huashi", 31.835, 120.455, 5, "华士金属新材料产业园", ("metallurgy", "machinery"), "师徒同心", 0.90),
    Town("320281104", "xuxiake", 31.770, 120.345, 5, "徐霞客机械装备产业园", ("machinery", "metallurgy"), "行走的课堂", 0.84),
    Town("320281007", "shengang", 31.915, 120.150, 5, "申港综合物流产业园", ("logistics", "energy", "metallurgy"), "港区驿站", 0.79),
    Town("320281005", "yunting", 31.855, 120.345, 4, "云亭新材料产业园", ("chemicals", "electronics"), "云端技能课", 0.91),
    Town("320281009", "xiagang", 31.915, 120.215, 3, "夏港高端金属制品产业园", ("metallurgy", "construction"), "钢城匠心", 0.72),
    Town("320281008", "ligang", 31.930, 120.085, 3, "利港新能源产业园", ("energy", "machinery"), "绿能先锋", 0.86),
    Town("320281100", "huangtu", 31.905, 120.020, 3, "璜土光伏产业园", ("electronics", "food"), "光伏技能赛", 0.81),
    Town("320281004", "nanzha", 31.868, 120.255, 3, "南闸智能制造产业园", ("machinery", "electronics"), "智造讲堂", 0.94),
    Town("320281103", "qingyang", 31.765, 120.255, 3, "青阳园区", ("garments", "machinery"), "暖心服务日", 0.77),
    Town("320281109", "gushan", 31.765, 120.560, 2, "顾山红豆电器产业园", ("electronics",), "红豆树下", 0.89),
    Town("320281108", "changjing", 31.770, 120.490, 2, "长泾幸福田园产业园", ("textile", "food"), "老街夜校", 0.83),
    Town("320281110", "zhutang", 31.765, 120.430, 2, "祝塘针织服装产业园", ("garments",), "针织女工之家", 0.68),
    Town("320281102", "yuecheng", 31.800, 120.215, 1, "月城园区", ("machinery",), "月城匠坊", 0.74),
)  # fmt: skip

INDUSTRIES = {
    "textile": ("纺织科技", "毛纺", "色织", "纱业"),
    "garments": ("服饰", "针织", "制衣"),
    "metallurgy": ("特钢", "金属制品", "钢绳", "新材料"),
    "machinery": ("机械", "重工", "精密装备", "液压"),
    "chemicals": ("化纤", "新材料", "涂料"),
    "electronics": ("电子", "光电", "电器"),
    "construction": ("建设工程", "建筑安装"),
    "logistics": ("物流", "港务", "供应链"),
    "energy": ("新能源", "热电", "风电装备"),
    "food": ("食品", "乳业", "粮油"),
    "services": ("物业服务", "环境服务", "餐饮管理"),
}
"""Industry codes, as routing rules name them, and what such firms call themselves."""
