package rules

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"hukougate/module/strictyaml"
)

const (
	maxTimeout   = 60 * time.Second
	maxBodyBytes = 1 << 20 // answers are checked whole before release
)

func (l *loader) resources() {
	var f resourcesFile
	if !l.decode(resourcesName, &f) {
		return
	}
	for _, y := range f.Resources {
		if !l.newID(resourcesName, y.ID, l.s.resourceByID[y.ID.Value] != nil) {
			continue
		}
		r := &Resource{ID: y.ID.Value, Title: l.title(resourcesName, y.ID, y.Title), Source: y.Source.Value, Person: y.Person.Value, Fields: values(y.Fields)}
		if !ValidID(r.Source) {
			l.addf(resourcesName, y.Source, "source %q is not [a-z][a-z0-9_-]*", y.Source)
		}
		for i, id := range y.Fields {
			known(l, resourcesName, id, "field", l.s.fieldByID)
			if slices.Contains(r.Fields[:i], id.Value) {
				l.addf(resourcesName, id, "field %q stands twice", id)
			}
		}
		if !slices.Contains(r.Fields, r.Person) {
			l.add(y.Person.At(resourcesName, fmt.Sprintf("person %q is not one of the resource's fields", y.Person), r.Fields...))
		}
		l.s.Resources = append(l.s.Resources, r)
		l.s.resourceByID[r.ID] = r
		for i := range y.Routes {
			l.route(r, &y.Routes[i])
		}
	}
}

func (l *loader) route(res *Resource, y *routeYAML) {
	if !l.newID(resourcesName, y.ID, l.s.routeByID[y.ID.Value] != nil) {
		return
	}
	r := &Route{
		ID: y.ID.Value, Title: l.title(resourcesName, y.ID, y.Title), Resource: res, Method: l.method(y.Method), Path: l.template(y.Path),
		UpstreamMethod: l.method(y.Upstream.Method), UpstreamPath: l.template(y.Upstream.Path),
		MediaType: y.Response.MediaType.Value, MaxBytes: int64(y.Response.MaxBytes), Records: y.Response.Records.Value,
	}
	var err error
	if r.Timeout, err = time.ParseDuration(y.Upstream.Timeout.Value); err != nil || r.Timeout <= 0 || r.Timeout > maxTimeout {
		l.addf(resourcesName, y.Upstream.Timeout, "timeout %q is not between 1ms and %s", y.Upstream.Timeout, maxTimeout)
	}
	if r.MaxBytes < 1 || r.MaxBytes > maxBodyBytes {
		l.addf(resourcesName, y.Response.MediaType, "max_bytes of route %q is not between 1 and %d", r.ID, maxBodyBytes)
	}
	if r.MediaType != "application/json" {
		l.add(y.Response.MediaType.At(resourcesName, fmt.Sprintf("media type %q can't be masked", r.MediaType), "application/json"))
	}
	if r.Records != "" && !recordsPattern.MatchString(r.Records) {
		l.addf(resourcesName, y.Response.Records, "records %q is not a path such as /data/list/*", r.Records)
	}
	l.envelopes(r, y.Response.Envelope)
	for i := range y.Parameters {
		l.parameter(r, &y.Parameters[i])
	}
	l.pathParameters(r, y)
	for _, o := range l.s.routes {
		if o.Method == r.Method && o.Path.overlaps(r.Path) {
			l.addf(resourcesName, y.Path, "route %q takes the same requests as %q", r.ID, o.ID)
		}
	}
	res.Routes = append(res.Routes, r)
	l.s.routes = append(l.s.routes, r)
	l.s.routeByID[r.ID] = r
}

func (l *loader) method(t strictyaml.Text) string {
	if t.Value != http.MethodGet && t.Value != http.MethodPost {
		l.add(t.At(resourcesName, fmt.Sprintf("method %q is not GET or POST", t), http.MethodGet, http.MethodPost))
	}
	return t.Value
}

func (l *loader) template(t strictyaml.Text) Template {
	tpl, err := ParseTemplate(t.Value)
	if err != nil {
		l.add(t.At(resourcesName, err.Error()))
	}
	return tpl
}

var (
	parameterName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)
	places        = []string{string(InBody), string(InQuery), string(InPath)}
	types         = []string{string(TypeCitizenID), string(TypeDate), string(TypeDivision), string(TypeInteger), string(TypeIdentifier), string(TypeText)}
)

func (l *loader) parameter(r *Route, y *parameterYAML) {
	p := Parameter{
		Name: y.Name.Value, In: Place(y.In.Value), Type: ParameterType(y.Type.Value), Required: y.Required, Person: y.Person,
		Min: y.Min, Max: y.Max, SendIn: Place(y.Send.In.Value), SendAs: y.Send.As.Value,
	}
	for _, name := range []strictyaml.Text{y.Name, y.Send.As} {
		if !parameterName.MatchString(name.Value) {
			l.addf(resourcesName, name, "parameter name %q is not [A-Za-z][A-Za-z0-9_]*", name)
		}
	}
	for _, place := range []strictyaml.Text{y.In, y.Send.In} {
		if !slices.Contains(places, place.Value) {
			l.add(place.At(resourcesName, fmt.Sprintf("place %q is not known", place), places...))
		}
	}
	if !slices.Contains(types, y.Type.Value) {
		l.add(y.Type.At(resourcesName, fmt.Sprintf("type %q is not known", y.Type), types...))
	}
	switch {
	case (p.Type == TypeInteger || p.Type == TypeText) && (p.Max < 1 || p.Min < 0 || p.Min > p.Max):
		l.addf(resourcesName, y.Name, "parameter %q of type %s needs min and max with 0 ≤ min ≤ max", p.Name, p.Type)
	case p.Type == TypeText && p.Max > 200:
		l.addf(resourcesName, y.Name, "parameter %q: text is at most 200 characters", p.Name)
	case (p.In == InBody && r.Method != http.MethodPost) || (p.SendIn == InBody && r.UpstreamMethod != http.MethodPost):
		l.addf(resourcesName, y.Name, "parameter %q stands in a body, which only POST has", p.Name)
	case personal(p) && (p.In != InBody || p.SendIn != InBody):
		// URLs end up in logs along the whole way (invariant 10).
		l.addf(resourcesName, y.Name, "parameter %q names a person and may stand in a body only, never in a URL", p.Name)
	case slices.ContainsFunc(r.Parameters, func(o Parameter) bool {
		return o.Name == p.Name || (o.SendIn == p.SendIn && o.SendAs == p.SendAs)
	}):
		l.addf(resourcesName, y.Name, "parameter %q, or the name it is sent as, stands twice", p.Name)
	}
	r.Parameters = append(r.Parameters, p)
}

// personal tells the parameters whose value is personal whatever the route says.
func personal(p Parameter) bool {
	return p.Person || p.Type == TypeCitizenID || p.Type == TypeText
}

func (l *loader) pathParameters(r *Route, y *routeYAML) {
	check := func(at strictyaml.Text, t Template, in func(Parameter) (Place, string)) {
		wanted := t.Parameters()
		for _, p := range r.Parameters {
			place, name := in(p)
			if place != InPath {
				continue
			}
			i := slices.Index(wanted, name)
			if i < 0 {
				l.add(at.At(resourcesName, fmt.Sprintf("path %q has no {%s}", t, name)))
				continue
			}
			wanted = slices.Delete(wanted, i, i+1)
			if !p.Required {
				l.addf(resourcesName, at, "parameter %q stands in a path and must be required", p.Name)
			}
		}
		for _, name := range wanted {
			l.add(at.At(resourcesName, fmt.Sprintf("path %q: no parameter fills {%s}", t, name)))
		}
	}
	check(y.Path, r.Path, func(p Parameter) (Place, string) { return p.In, p.Name })
	check(y.Upstream.Path, r.UpstreamPath, func(p Parameter) (Place, string) { return p.SendIn, p.SendAs })
}
