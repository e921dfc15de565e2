package registry

import "strconv"

// envelopeTail closes what appendEnvelope opens.
const envelopeTail = "]}}"

func appendEnvelope(dst []byte, total int) []byte {
	dst = append(dst, `{"code":0,"message":"成功","data":{"total":`...)
	dst = strconv.AppendInt(dst, int64(total), 10)
	return append(dst, `,"list":[`...)
}

// envelope is a whole body: total counts what was found, of which the records
// are a part.
func envelope(total int, records [][]Member) []byte {
	body := appendEnvelope(nil, total)
	for i, members := range records {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendRecord(body, members)
	}
	return append(body, envelopeTail...)
}

func listings(residents []Resident) [][]Member {
	records := make([][]Member, len(residents))
	for i, p := range residents {
		records[i] = p.listing()
	}
	return records
}

func listingBody(residents []Resident) []byte {
	return envelope(len(residents), listings(residents))
}

// QueryBody is the body the source answers a query for this resident with.
func QueryBody(p Resident) []byte { return envelope(1, [][]Member{p.Members()}) }

// ListBody is a body of about n bytes made of this register's records, for
// benchmarks: as many records as fit, without photos, the last one cut short
// after a member, so that the length is at most n and misses it by less than
// one member. Below the length of an empty list it is the empty list.
func (r *Registry) ListBody(n int) []byte {
	var records [][]Member
	// Room for the envelope with the longest total there can be.
	room := n - len(envelope(len(r.residents), nil))
	for i := 0; room > 0; i++ {
		members := r.residents[i%len(r.residents)].listing()
		fitting := 0
		size := len("{}") // and one comma after each member, which after the last stands for the one between records
		for _, m := range members {
			grown := size + len(appendMember(nil, m)) + len(",")
			if grown > room {
				break
			}
			size, fitting = grown, fitting+1
		}
		if fitting == 0 {
			break
		}
		records = append(records, members[:fitting])
		room -= size
		if fitting < len(members) {
			break
		}
	}
	return envelope(len(records), records)
}
