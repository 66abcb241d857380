"""Every code has words in both languages, and a problem reads as one plain line."""

import ast
import re
import string
from pathlib import Path

import pytest

import logistics
from logistics.errors import Problem, Where
from logistics.words import EN, ZH, language, sentence, text
from logistics.words.phrases import PATTERNS, phrase
from logistics.words.problems_en import PROBLEMS

PACKAGE = Path(logistics.__file__).parent
FIELDS = {"found", "quoted", "allowed", "choices", "subject", "at"}
FAMILIES = {"condition.": ("syntax", "form", "types", "column")}
"""Codes that are put together: beginning, and the endings it may get."""

MODULES = {
    path: ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
    if not path.is_relative_to(PACKAGE / "words")
}


def calls(tree, *names):
    """First arguments (or the `code`) of all calls of the functions called `names`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in names:
                by_name = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                yield from (node.args[:1] or by_name)


def texts(tree):
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def codes():
    """All codes of the package: literals, families, and texts of modules that hand codes around."""
    found, unknown, passing_on = set(), [], []
    for path, tree in MODULES.items():
        for argument in calls(tree, "Problem"):
            if isinstance(argument, ast.Constant):
                found.add(argument.value)
            elif isinstance(argument, ast.JoinedStr):
                start = argument.values[0].value if isinstance(argument.values[0], ast.Constant) else ""
                found |= {start + end for end in FAMILIES.get(start, ())}
                if start not in FAMILIES:
                    unknown.append(f"{path.name}: {ast.unparse(argument)}")
            else:
                passing_on.append(tree)
    prefixes = "|".join(sorted({code.split(".")[0] for code in found}))
    for tree in passing_on:
        found |= {
            words
            for words in texts(tree)
            if re.fullmatch(rf"(?:{prefixes})\.(?!csv|yaml|json|html|xlsx|gpkg)[a-z_]+", words)
        }
    return found, unknown


CODES, UNKNOWN = codes()


def fields(template):
    return sorted({name for _, name, _, _ in string.Formatter().parse(template) if name is not None})


def code_of(key):
    return ".".join(key.split(":")[0].split(".")[:2])


def test_codes_are_found():
    assert UNKNOWN == [], "name the endings of these codes in FAMILIES"
    assert {"schema.choice", "table.windows", "table.blank", "condition.column", "scenario.cycle"} <= CODES


def test_condition_family_is_complete():
    where = MODULES[PACKAGE / "network" / "where.py"]
    assert {argument.value for argument in calls(where, "ConditionError")} == set(FAMILIES["condition."])


@pytest.mark.parametrize("code", sorted(CODES))
def test_code_has_words(code):
    for words in (EN, ZH):
        assert words[code]
        assert words[f"{code}.do"]


def test_languages_have_the_same_keys_and_placeholders():
    assert EN.keys() == ZH.keys()
    assert [key for key in EN if fields(EN[key]) != fields(ZH[key])] == []
    assert all(EN.values())
    assert all(ZH.values())
    assert [key for key in EN if key.startswith("term.") and EN[key] == ZH[key]] == []


def test_problem_templates_use_known_placeholders():
    for key, words in PROBLEMS.items():
        assert set(fields(words)) <= FIELDS, key
        code = code_of(key)
        assert {code, f"{code}.do"} <= PROBLEMS.keys(), key


def test_reasons_are_phrases():
    reasons = MODULES[PACKAGE / "virtual_network" / "reasons.py"]
    said = [node for node in ast.walk(reasons) if isinstance(node, ast.JoinedStr)]
    assert said
    for node in said:
        reason = "".join(part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
        assert phrase("demand.unreachable", "subject", reason), reason


def test_keys_in_use_have_words():
    """Keys that the commands and studies name, and the values that their sentences need."""
    families = {key.split(".")[0] for key in EN.keys() - PROBLEMS.keys() if "." in key} - {"verify", "phrase"}
    for path, tree in MODULES.items():
        words = {
            t
            for t in texts(tree)
            if re.fullmatch(rf"(?:{'|'.join(families)})\.(?!log|html|xlsx|gpkg)[a-z_]+", t)
        }
        assert words <= EN.keys(), path.name
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("text", "report"):
                check_values(node)


def check_values(call):
    """The call gives its sentence a value for each placeholder, as far as that can be read."""
    key, given = call.args[0], {keyword.arg for keyword in call.keywords}
    if call.func.id == "report":
        if not isinstance(call.args[1], ast.Dict):
            return
        given = {name.value for name in call.args[1].keys}
    if isinstance(key, ast.Constant) and None not in given:
        assert set(fields(EN[key.value])) <= given, key.value


def test_phrases_have_words():
    for _, _, pattern, key in PATTERNS:
        assert set(fields(EN[key])) <= set(re.compile(pattern).groupindex), key


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("code", sorted({code_of(key) for key in PROBLEMS}))
def test_every_problem_is_one_line(code, lang):
    where = Where("a.csv", 3, "lat")
    full = Problem(code, where, "f\ng", "a, b", "s\x1b[31m")
    for problem in (full, Problem(code, where), Problem(code, remedy="r")):
        shown = sentence(problem, lang)
        assert shown.isprintable()
        assert "{" not in shown
        assert shown.startswith("a.csv:3:lat: ") == bool(problem.where.file)


BAD = Where("bad.yaml", 7, "7")
LAT = Where("zhejiang/sites.csv", 12, "lat")
D7 = Where("zhejiang/demand.csv", 9)
EXPECTED = [
    (
        Problem("schema.choice", BAD, "rial", "sea, rail, road", "set.mode", "rail"),
        "bad.yaml:7:7: set.mode: 'rial' is not one of 'sea', 'rail' or 'road' - did you mean 'rail'?",
        "bad.yaml:7:7: set.mode: “rial”不在可选值之列：“sea”、“rail”或“road”；是否想写“rail”？",
    ),
    (
        Problem("schema.unknown_key", BAD, "frequncy", "frequency, mode", "solver.frequncy", "frequency"),
        "bad.yaml:7:7: solver.frequncy: unknown key 'frequncy' - did you mean 'frequency'?",
        "bad.yaml:7:7: solver.frequncy: 未知的键“frequncy”；是否想写“frequency”？",
    ),
    (
        Problem("schema.type", BAD, "2 min", "float", "limit_s"),
        (
            "bad.yaml:7:7: limit_s: '2 min' is not a number"
            " - write a number alone; its unit is in the name of the key"
        ),
        "bad.yaml:7:7: limit_s: “2 min”不是数字；只写数字，单位已在键名中",
    ),
    (
        Problem("schema.value", BAD, "", "Value error, exactly one of value, add", "set"),
        (
            "bad.yaml:7:7: set: what stands here is not accepted: exactly one of value, add must be given"
            " - change it accordingly"
        ),
        "bad.yaml:7:7: set: 此处内容不符合要求：须且只能给出其中一项：value, add；请据此修改",
    ),
    (
        Problem("table.range", LAT, "130", "-90 … 90", "lat"),
        (
            "zhejiang/sites.csv:12:lat: '130' is out of range, allowed is -90 to 90"
            " - check the number and its unit, which is in the column's name"
        ),
        "zhejiang/sites.csv:12:lat: “130”超出范围，允许范围：-90 至 90；请核对数值和单位（单位见列名）",
    ),
    (
        Problem("table.encoding", Where("sites.csv", 4), "GBK", "UTF-8"),
        (
            "sites.csv:4: the file is written in GBK, not in UTF-8"
            " - save it as UTF-8 (in Excel: CSV UTF-8, then take the BOM out)"
        ),
        "sites.csv:4: 文件编码为 GBK，应为 UTF-8；请另存为 UTF-8（Excel 中选“CSV UTF-8”，再去掉 BOM）",
    ),
    (
        Problem("demand.unreachable", D7, "D7", subject="no service takes b2b to US"),
        (
            "zhejiang/demand.csv:9: nothing can carry demand 'D7': no service takes b2b to US"
            " - it stays unserved until a service, a clearance or a warehouse takes it"
        ),
        (
            "zhejiang/demand.csv:9: 没有线路能承运需求“D7”：没有线路承运到 US 的 b2b 货物；"
            "在货运航线、中欧班列等线路、通关点或海外仓能够承接之前，计入未服务需求"
        ),
    ),
    (
        Problem("verify.step", Where("plan/flows", 3, "P1"), "D9 base", subject="demand"),
        (
            "plan/flows:3:P1: 'D9 base' is not a demand row and tier of the network"
            " - correct the name, or add the demand to the tables"
        ),
        "plan/flows:3:P1: “D9 base”不是网络中的需求行和时间价值档；请改正名称，或在数据表中补上该需求",
    ),
]


@pytest.mark.parametrize(("problem", "english", "chinese"), EXPECTED, ids=[p.code for p, _, _ in EXPECTED])
def test_typical_problems(problem, english, chinese):
    assert sentence(problem) == english
    assert sentence(problem, "zh") == chinese


def test_long_lists_show_their_first_items():
    names = [f"key{i}" for i in range(13)]
    shown = sentence(Problem("schema.choice", found="x", allowed=", ".join(names)))
    assert "'key0', 'key1'" in shown
    assert "'key9', … (13 in all)" in shown
    assert "key10" not in shown
    assert "'key10' or 'key11'" in sentence(
        Problem("schema.choice", found="x", allowed=", ".join(names[:12]))
    )


def test_long_text_is_shortened():
    shown = sentence(Problem("table.number", found="9" * 5000))
    assert len(shown) < 300
    assert "…" in shown


def test_user_text_stays_on_one_line():
    where = Where("a\nb.csv", 2, "x")
    shown = sentence(Problem("table.number", where, "1\r\n2\t\x1b[31m\u202e\u2028{found}"))
    assert shown.startswith(r"a\nb.csv:2:x: '1\r\n2\t\x1b[31m\u202e\u2028{found}' is not a number")
    assert text("run.done", seconds=1, folder="x\ny") == r"done in 1 s; results in x\ny"
    assert sentence(Problem("table.number", found="义乌\u3000西")).startswith("'义乌\u3000西' is")


def test_unknown_language_and_unknown_key():
    assert text("term.gap", "fr") == text("term.gap") == "gap"
    assert text("term.gap", lang="zh") == "差距"
    with pytest.raises(KeyError):
        text("term.nothing")
    with pytest.raises(KeyError):
        sentence(Problem("nothing.at_all"))


def test_a_key_that_only_english_has_falls_back(monkeypatch):
    monkeypatch.delitem(ZH, "term.gap")
    assert text("term.gap", "zh") == "gap"


def test_numbers_in_sentences():
    values = {"phase": "objective", "round": 3, "value": 123456789.4, "bound": float("-inf")}
    shown = text("run.round", gap=1.23456e-7, **values)
    assert shown == "objective, round 3: value 123,456,789, bound –, gap 1.235e-07"
    assert text("errors.count", count=4) == "4 errors; nothing was run."
    assert text("errors.count", count=1) == "1 error; nothing was run."


@pytest.mark.parametrize(
    ("flag", "environment", "expected"),
    [
        (None, {}, "en"),
        ("zh", {"LC_ALL": "en_US.UTF-8"}, "zh"),
        ("en", {"LANG": "zh_CN.UTF-8"}, "en"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        ("", {"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "de_DE"}, "zh"),
        (None, {"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        (None, {"LC_ALL": "", "LANG": "ZH_tw"}, "zh"),
    ],
)
def test_language(monkeypatch, flag, environment, expected):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language(flag) == expected
