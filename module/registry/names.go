package registry

import "strings"

// part is a piece of a name and its pinyin.
type part struct{ text, pinyin string }

// fullName is a name as the register holds it.
type fullName struct {
	family part
	given  part
	manner manner
}

func (n fullName) text() string {
	if n.manner == dotted {
		return n.given.text + middleDot + n.family.text
	}
	return n.family.text + n.given.text
}

func (n fullName) pinyin() string {
	if n.manner == dotted {
		return n.given.pinyin + " " + n.family.pinyin
	}
	return strings.TrimSpace(n.family.pinyin + " " + n.given.pinyin)
}

// middleDot is the separator in names of several parts: U+00B7, as the civil
// registers prescribe it, and not one of its many look-alikes.
const middleDot = "·"

var surnames = []part{
	{"王", "WANG"}, {"李", "LI"}, {"张", "ZHANG"}, {"刘", "LIU"}, {"陈", "CHEN"}, {"杨", "YANG"}, {"黄", "HUANG"},
	{"赵", "ZHAO"}, {"吴", "WU"}, {"周", "ZHOU"}, {"徐", "XU"}, {"孙", "SUN"}, {"马", "MA"}, {"朱", "ZHU"},
	{"胡", "HU"}, {"郭", "GUO"}, {"何", "HE"}, {"高", "GAO"}, {"林", "LIN"}, {"罗", "LUO"}, {"郑", "ZHENG"},
	{"梁", "LIANG"}, {"谢", "XIE"}, {"宋", "SONG"}, {"唐", "TANG"}, {"许", "XU"}, {"韩", "HAN"}, {"冯", "FENG"},
	{"邓", "DENG"}, {"曹", "CAO"}, {"彭", "PENG"}, {"曾", "ZENG"}, {"肖", "XIAO"}, {"田", "TIAN"}, {"董", "DONG"},
	{"潘", "PAN"}, {"袁", "YUAN"}, {"蔡", "CAI"}, {"蒋", "JIANG"}, {"余", "YU"}, {"于", "YU"}, {"杜", "DU"},
	{"叶", "YE"}, {"程", "CHENG"}, {"魏", "WEI"}, {"苏", "SU"}, {"吕", "LYU"}, {"丁", "DING"}, {"任", "REN"}, {"沈", "SHEN"},
}

var compoundSurnames = []part{
	{"欧阳", "OUYANG"}, {"司马", "SIMA"}, {"上官", "SHANGGUAN"}, {"诸葛", "ZHUGE"}, {"尉迟", "YUCHI"}, {"东方", "DONGFANG"},
	{"皇甫", "HUANGFU"}, {"司徒", "SITU"}, {"令狐", "LINGHU"}, {"端木", "DUANMU"}, {"慕容", "MURONG"}, {"夏侯", "XIAHOU"},
}

var givenMale = []part{
	{"文", "WEN"}, {"武", "WU"}, {"德", "DE"}, {"明", "MING"}, {"志", "ZHI"}, {"国", "GUO"}, {"华", "HUA"}, {"建", "JIAN"},
	{"永", "YONG"}, {"祥", "XIANG"}, {"庆", "QING"}, {"福", "FU"}, {"兴", "XING"}, {"荣", "RONG"}, {"昌", "CHANG"}, {"林", "LIN"},
	{"树", "SHU"}, {"山", "SHAN"}, {"海", "HAI"}, {"江", "JIANG"}, {"松", "SONG"}, {"轩", "XUAN"}, {"思", "SI"}, {"远", "YUAN"},
	{"承", "CHENG"}, {"泽", "ZE"}, {"瑞", "RUI"}, {"和", "HE"},
}

var givenFemale = []part{
	{"秀", "XIU"}, {"英", "YING"}, {"兰", "LAN"}, {"芳", "FANG"}, {"玉", "YU"}, {"珍", "ZHEN"}, {"淑", "SHU"}, {"贞", "ZHEN"},
	{"桂", "GUI"}, {"梅", "MEI"}, {"莲", "LIAN"}, {"月", "YUE"}, {"琴", "QIN"}, {"素", "SU"}, {"云", "YUN"}, {"霞", "XIA"},
	{"慧", "HUI"}, {"静", "JING"}, {"雅", "YA"}, {"宁", "NING"}, {"清", "QING"}, {"婉", "WAN"}, {"如", "RU"}, {"若", "RUO"},
}

// rareGiven are characters that break systems: most lie outside the BMP (four
// bytes in UTF-8, two UTF-16 units, absent from GBK), some in Extension A.
var rareGiven = []part{
	{"𠮷", "JI"}, {"𬺓", "CHU"}, {"𫖯", "FU"}, {"𬍤", "XUN"}, {"𬘡", "YIN"}, {"𬭎", "HONG"}, {"𬱖", "DI"}, {"𬣙", "XU"},
	{"𬭚", "CHUN"}, {"㛃", "JIE"}, {"䶮", "YAN"}, {"㑇", "ZHOU"},
}

// Names of the other manners are put together from generic parts.
var (
	uyghurMale   = []part{{"买买提", "MAIMAITI"}, {"吐尔逊", "TUERXUN"}, {"艾尼瓦尔", "AINIWAER"}, {"阿不都热依木", "ABUDUREYIMU"}, {"库尔班", "KUERBAN"}, {"玉素甫", "YUSUFU"}, {"卡德尔", "KADEER"}, {"热合曼", "REHEMAN"}, {"依明", "YIMING"}, {"托合提", "TUOHETI"}}
	uyghurFemale = []part{{"阿依古丽", "AYIGULI"}, {"古丽娜尔", "GULINAER"}, {"阿依努尔", "AYINUER"}, {"帕提古丽", "PATIGULI"}, {"热孜万古丽", "REZIWANGULI"}, {"米热古丽", "MIREGULI"}, {"再娜甫", "ZAINAFU"}, {"茹仙古丽", "RUXIANGULI"}}
	kazakhMale   = []part{{"叶尔兰", "YEERLAN"}, {"努尔兰", "NUERLAN"}, {"巴合提", "BAHETI"}, {"哈纳提", "HANATI"}, {"赛力克", "SAILIKE"}, {"木拉提", "MULATI"}}
	kazakhFemale = []part{{"阿依达娜", "AYIDANA"}, {"古丽扎提", "GULIZHATI"}, {"沙吾列", "SHAWULIE"}, {"加依娜", "JIAYINA"}, {"阿依曼", "AYIMAN"}}
	tibetanFirst = []part{{"扎西", "ZHAXI"}, {"次仁", "CIREN"}, {"洛桑", "LUOSANG"}, {"丹增", "DANZENG"}, {"格桑", "GESANG"}, {"白玛", "BAIMA"}, {"达瓦", "DAWA"}, {"尼玛", "NIMA"}, {"索朗", "SUOLANG"}, {"强巴", "QIANGBA"}}
	tibetanMale  = []part{{"多吉", "DUOJI"}, {"顿珠", "DUNZHU"}, {"平措", "PINGCUO"}, {"罗布", "LUOBU"}, {"旺堆", "WANGDUI"}, {"加措", "JIACUO"}}
	tibetanWomen = []part{{"卓玛", "ZHUOMA"}, {"拉姆", "LAMU"}, {"央金", "YANGJIN"}, {"曲珍", "QUZHEN"}, {"德吉", "DEJI"}, {"措姆", "CUOMU"}}
	mongolFirst  = []part{{"巴特", "BATE"}, {"朝鲁", "CHAOLU"}, {"苏和", "SUHE"}, {"那仁", "NAREN"}, {"乌云", "WUYUN"}, {"萨仁", "SAREN"}, {"其其格", "QIQIGE"}, {"格日勒", "GERILE"}}
	mongolMale   = []part{{"巴雅尔", "BAYAER"}, {"布和", "BUHE"}, {"孟和", "MENGHE"}, {"吉日嘎拉", "JIRIGALA"}}
	mongolWomen  = []part{{"高娃", "GAOWA"}, {"图雅", "TUYA"}, {"娜仁", "NAREN"}, {"托娅", "TUOYA"}}
)

// publicFigures are names the parts could make that readers would take for a
// person of history or legend.
var publicFigures = map[string]bool{
	"孙文": true, "孙武": true, "朱德": true, "陈云": true, "王明": true, "李德": true, "宋江": true, "刘英": true, "董永": true, "邓华": true,
}

// name makes up a name. father, when given, hands on the family name (or, in
// the dotted manner, his own name).
func (g *generator) name(group *ethnicGroup, male bool, father *fullName) fullName {
	switch group.manner {
	case dotted:
		men, women := uyghurMale, uyghurFemale
		if group == kazakh {
			men, women = kazakhMale, kazakhFemale
		}
		given, family := g.part(women), g.part(men)
		if male {
			given = g.part(men)
		}
		if father != nil {
			family = father.given
		}
		return fullName{family, given, dotted}
	case personal:
		first, last := tibetanFirst, tibetanWomen
		if male {
			last = tibetanMale
		}
		if group == mongol {
			first, last = mongolFirst, mongolWomen
			if male {
				last = mongolMale
			}
		}
		a, b := g.part(first), g.part(last)
		return fullName{part{}, part{a.text + b.text, a.pinyin + b.pinyin}, personal}
	}
	family := g.part(surnames)
	if group == han && g.chance(6) {
		family = g.part(compoundSurnames)
	}
	if father != nil {
		family = father.family
	}
	n := fullName{family, g.given(male), familyFirst}
	for publicFigures[n.text()] {
		n.given = g.given(male)
	}
	return n
}

// given makes a given name of one or two characters, now and then a rare one.
func (g *generator) given(male bool) part {
	pool := givenFemale
	if male {
		pool = givenMale
	}
	last := g.part(pool)
	if g.chance(6) {
		last = g.part(rareGiven)
	}
	if g.chance(25) {
		return last
	}
	first := g.part(pool)
	return part{first.text + last.text, first.pinyin + last.pinyin}
}

func (g *generator) part(parts []part) part { return parts[g.below(len(parts))] }
