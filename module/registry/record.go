package registry

import (
	"reflect"
)

// Resident is one record of the register. Its field names are the member names
// on the wire (pinyin initials, as real 常住人口 tables have them) and its field
// order is the wire order; every value is a string, empty when there is nothing
// to say. Dates are yyyyMMdd, time stamps yyyyMMddHHmmss.
type Resident struct {
	RYID       string // internal id of the person
	HHNBID     string // internal id of the household
	HH         string // household number
	HB         string // kind of household
	HZXM       string // name of the head
	YHZGX      string // relation to the head, GB/T 4761-2008, two digits
	GMSFHM     string // citizen identity number, GB 11643-1999
	XM         string // name
	XMX        string // family name; empty for a name without one
	XMM        string // given name
	XMPY       string // name in pinyin
	CYM        string // former name
	XB         string // sex, GB/T 2261.1-2003
	XBHZ       string // sex in words, twin of XB
	MZDM       string // ethnic group, GB/T 3304-1991, two digits
	MZHZ       string // ethnic group in words, twin of MZDM
	CSRQ       string // birth date
	CSDSSXQ    string // birthplace, GB/T 2260 county code
	CSDXZ      string // birthplace in words
	JGSSXQ     string // ancestral home, GB/T 2260 county code
	JGXZ       string // ancestral home in words
	SSXQ       string // division of registration, GB/T 2260 county code
	HJDZ       string // registered address
	XZZ        string // current address
	PCS        string // police station, division code and six digits
	PCSMC      string // police station in words, twin of PCS
	JWZRQ      string // police beat
	JCWH       string // residents' committee
	LXDH       string // telephone, see PhonePrefix
	WHCD       string // education, GB/T 4658-2006
	HYZK       string // marital status, GB/T 2261.2-2003
	JHRQ       string // marriage date
	BYZK       string // military service
	ZJXY       string // religion
	XX         string // blood type
	SG         string // height in centimetres
	ZY         string // occupation
	FWCS       string // employer or school
	ZZMM       string // political status, GB/T 4762-1984
	FQXM       string // father's name
	FQGMSFHM   string // father's number; empty when he is not in the register
	MQXM       string // mother's name
	MQGMSFHM   string // mother's number; empty when she is not in the register
	POXM       string // spouse's name
	POGMSFHM   string // spouse's number
	JHRYXM     string // first guardian's name; minors only
	JHRYGMSFHM string // first guardian's number
	JHRYJHGX   string // first guardian's relation to the ward, GB/T 4761-2008
	JHRYLXDH   string // first guardian's telephone
	JHREXM     string // second guardian's name
	JHREGMSFHM string // second guardian's number
	JHREJHGX   string // second guardian's relation to the ward
	JHRELXDH   string // second guardian's telephone
	QFJG       string // issuer of the identity card
	YXQXQSRQ   string // card valid from
	YXQXJZRQ   string // card valid until
	HSQL       string // moved into the city: when
	HSSXQQL    string // moved into the city: from which division
	HXZQL      string // moved into the city: from which address
	HSLBZ      string // moved to this address: when
	HSSSQLBZ   string // moved to this address: from which division
	HXZLBZ     string // moved to this address: from which address
	QCRQ       string // moved out: when
	QWDSSXQ    string // moved out: to which division
	QWDXZ      string // moved out: to which address
	SWRQ       string // date of death
	SWZXRQ     string // death registered on
	RYZT       string // state of the record, see StatePresent
	XXJB       string // information level, see LevelProtected
	ZPID       string // internal id of the photo
	XP         string // photo, base64; only in a full record
	BDYY       string // reason of the last change
	CJHJYWID   string // internal id of the transaction that created the record
	DJRXM      string // operator who registered
	DJRQ       string // registered on
	XGRXM      string // operator who last changed
	QYSJ       string // version in force from
	JSSJ       string // version in force until; empty while it is
	GXSJ       string // last changed at
}

// Values of RYZT.
const (
	StatePresent  = "0"
	StateDead     = "1"
	StateMovedOut = "2"
)

// Values of XXJB: the source's own mark for persons whose records it protects.
const (
	LevelOrdinary  = "0"
	LevelProtected = "1"
)

// Member is one name and value of a record.
type Member struct {
	Name  string
	Value string
}

// memberNames are the members of a record in wire order.
var memberNames = func() []string {
	fields := reflect.VisibleFields(reflect.TypeFor[Resident]())
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}()

// MemberNames lists the members of a full record in wire order.
func MemberNames() []string { return append([]string(nil), memberNames...) }

// Members gives the full record, photo included, in wire order.
func (r Resident) Members() []Member {
	v := reflect.ValueOf(r)
	members := make([]Member, len(memberNames))
	for i, name := range memberNames {
		members[i] = Member{Name: name, Value: v.Field(i).String()}
	}
	return members
}

// listing gives the record as lists show it: all but the photo.
func (r Resident) listing() []Member {
	all := r.Members()
	members := make([]Member, 0, len(all)-1)
	for _, m := range all {
		if m.Name != "XP" {
			members = append(members, m)
		}
	}
	return members
}

// Protected reports whether the source marks the person as protected.
func (r Resident) Protected() bool { return r.XXJB == LevelProtected }

// appendRecord writes members as one JSON object, in their order.
func appendRecord(dst []byte, members []Member) []byte {
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendMember(dst, m)
	}
	return append(dst, '}')
}

func appendMember(dst []byte, m Member) []byte {
	dst = appendString(dst, m.Name)
	dst = append(dst, ':')
	return appendString(dst, m.Value)
}

// appendString writes a JSON string (RFC 8259 section 7) and escapes only what
// must be: characters outside ASCII stand as themselves, as the sources send
// them.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
