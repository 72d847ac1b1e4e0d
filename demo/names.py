"""Made-up names of people and firms."""

from __future__ import annotations

from collections.abc import Callable

from demo.dice import Dice

_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶余潘杜戴夏钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文缪承贡"
)
_GIVEN = (
    "伟", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀英", "霞", "平", "刚", "桂芬", "建华",
    "玉萍", "红玲", "芳", "晓燕", "彬", "志鹏", "飞", "凯", "建国", "文斌", "志远", "思源", "晓峰", "佳怡", "雨桐", "海波", "春梅", "国栋",
    "永康", "晨曦", "立新", "学军", "亚洲", "锡澄", "宁", "婷", "振东", "家豪", "梦洁", "云帆", "子涵",
)  # fmt: skip
_MARKS = "岚屿翎昶珩沐锦瑞恒泽润昊骏祺晟禾朗凌拓卓琅砺衡隽霖"


class Names:
    """Names that are given out once each."""

    def __init__(self, dice: Dice) -> None:
        self._dice, self._given = dice, set[str]()

    def person(self) -> str:
        return self._once(lambda: self._dice.choice(_SURNAMES) + self._dice.choice(_GIVEN))

    def firm(self, trade: str, ownership: str, size: str) -> str:
        """A firm of a trade; what it is called tells how it is owned and how large it is."""
        ending = "股份有限公司" if size == "large" else "有限公司"
        if ownership == "state_owned":
            return self._once(lambda: f"江阴市{self._mark()}{trade}集团有限公司")
        return self._once(lambda: f"江阴{self._mark()}{trade}{ending}")

    def _mark(self) -> str:
        return "".join(self._dice.sample(_MARKS, 2))

    def _once(self, make: Callable[[], str]) -> str:
        for _ in range(1000):
            name = make()
            if name not in self._given:
                break
        else:
            name += str(len(self._given))
        self._given.add(name)
        return name
