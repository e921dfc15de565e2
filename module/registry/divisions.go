package registry

// division is a county of GB/T 2260 with what addresses and cards are made of.
type division struct {
	code   string
	city   string // province and prefecture as an address begins
	county string
	police string // issuer of identity cards (签发机关)
	groups []weighted
}

// weighted is an ethnic group with its share in a division.
type weighted struct {
	group  *ethnicGroup
	weight uint64
}

// ethnicGroup is a row of GB/T 3304-1991.
type ethnicGroup struct {
	code     string
	name     string
	manner   manner
	religion string // usual religion; empty: none in particular
}

// manner is how the names of a group are formed.
type manner int

const (
	familyFirst manner = iota // 张伟, 欧阳明轩
	personal                  // 扎西多吉: no family name
	dotted                    // 阿依古丽·买买提: own name, father's name
)

var (
	han      = &ethnicGroup{"01", "汉族", familyFirst, ""}
	mongol   = &ethnicGroup{"02", "蒙古族", personal, "喇嘛教"}
	hui      = &ethnicGroup{"03", "回族", familyFirst, "伊斯兰教"}
	tibetan  = &ethnicGroup{"04", "藏族", personal, "喇嘛教"}
	uyghur   = &ethnicGroup{"05", "维吾尔族", dotted, "伊斯兰教"}
	yi       = &ethnicGroup{"07", "彝族", familyFirst, ""}
	zhuang   = &ethnicGroup{"08", "壮族", familyFirst, ""}
	buyei    = &ethnicGroup{"09", "布依族", familyFirst, ""}
	korean   = &ethnicGroup{"10", "朝鲜族", familyFirst, ""}
	manchu   = &ethnicGroup{"11", "满族", familyFirst, ""}
	bai      = &ethnicGroup{"14", "白族", familyFirst, "佛教"}
	kazakh   = &ethnicGroup{"17", "哈萨克族", dotted, "伊斯兰教"}
	mostHan  = []weighted{{han, 90}, {manchu, 5}, {hui, 3}, {mongol, 1}, {uyghur, 1}}
	sichuan  = []weighted{{han, 88}, {yi, 8}, {tibetan, 4}}
	yunnan   = []weighted{{han, 70}, {yi, 15}, {bai, 15}}
	xinjiang = []weighted{{han, 35}, {uyghur, 45}, {kazakh, 12}, {hui, 8}}
)

// divisions are counties in force under GB/T 2260. The first is the specimen's.
var divisions = []division{
	{"110105", "北京市", "朝阳区", "北京市公安局朝阳分局", mostHan},
	{"110108", "北京市", "海淀区", "北京市公安局海淀分局", mostHan},
	{"150102", "内蒙古自治区呼和浩特市", "新城区", "呼和浩特市公安局新城区分局", []weighted{{han, 60}, {mongol, 35}, {manchu, 5}}},
	{"222401", "吉林省延边朝鲜族自治州", "延吉市", "延吉市公安局", []weighted{{han, 50}, {korean, 50}}},
	{"310104", "上海市", "徐汇区", "上海市公安局徐汇分局", mostHan},
	{"320102", "江苏省南京市", "玄武区", "南京市公安局玄武分局", mostHan},
	{"330102", "浙江省杭州市", "上城区", "杭州市公安局上城区分局", mostHan},
	{"420106", "湖北省武汉市", "武昌区", "武汉市公安局武昌区分局", mostHan},
	{"440106", "广东省广州市", "天河区", "广州市公安局天河区分局", mostHan},
	{"450103", "广西壮族自治区南宁市", "青秀区", "南宁市公安局青秀分局", []weighted{{han, 50}, {zhuang, 50}}},
	{"510107", "四川省成都市", "武侯区", "成都市公安局武侯区分局", sichuan},
	{"520102", "贵州省贵阳市", "南明区", "贵阳市公安局南明分局", []weighted{{han, 70}, {buyei, 30}}},
	{"530102", "云南省昆明市", "五华区", "昆明市公安局五华分局", yunnan},
	{"540102", "西藏自治区拉萨市", "城关区", "拉萨市公安局城关分局", []weighted{{han, 15}, {tibetan, 85}}},
	{"610102", "陕西省西安市", "新城区", "西安市公安局新城分局", mostHan},
	{"640104", "宁夏回族自治区银川市", "兴庆区", "银川市公安局兴庆区分局", []weighted{{han, 60}, {hui, 40}}},
	{"650102", "新疆维吾尔自治区乌鲁木齐市", "天山区", "乌鲁木齐市公安局天山区分局", xinjiang},
	{"653101", "新疆维吾尔自治区喀什地区", "喀什市", "喀什市公安局", []weighted{{han, 12}, {uyghur, 85}, {kazakh, 3}}},
}

func (d *division) name() string { return d.city + d.county }

// Division is a county the register has residents of.
type Division struct {
	Code string // GB/T 2260, six digits
	Name string // in full
}

// Divisions lists the counties that may occur, by code.
func Divisions() []Division {
	all := make([]Division, len(divisions))
	for i := range divisions {
		all[i] = Division{divisions[i].code, divisions[i].name()}
	}
	return all
}

// Roads are made of two neutral words and a number, so that no address is that
// of a real house.
var (
	roadFirst  = []string{"示例", "样本", "虚构", "演示", "假设", "模拟", "范本", "拟用"}
	roadSecond = []string{"一路", "二路", "三路", "东街", "西街", "南巷", "北巷", "中路"}
	streets    = []string{"示例街道", "样本街道", "演示街道", "范本镇", "模拟镇"}
)

// employers, schools and occupations are made up for the same reason.
var (
	employers   = []string{"示例机械厂", "样本纺织厂", "演示商号", "模拟铁路段", "范本医院", "虚构书局", "拟用粮行", "假设学堂"}
	schools     = []string{"示例小学", "样本小学", "演示中学", "范本中学"}
	occupations = []string{"工人", "农民", "教师", "医师", "店员", "木工", "会计", "司机", "裁缝", "职员"}
	operators   = []string{"经办甲", "经办乙", "经办丙", "经办丁", "经办戊"}
	religions   = []string{"佛教", "道教", "天主教", "基督教"}
)
