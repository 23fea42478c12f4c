package stepfunctions

func (p *parser) rule(n *node, outermost bool) *Rule {
	f := p.object(n)
	r := &Rule{Comment: f.text("Comment")}
	if outermost {
		r.Next = f.required("Next")
	}
	inner := func(name string) []*Rule {
		list := f.list(name)
		if len(list) == 0 {
			p.complain(n, "%s needs at least one rule", name)
		}
		rules := make([]*Rule, len(list))
		for i, e := range list {
			rules[i] = p.rule(e, false)
		}
		return rules
	}
	switch {
	case f.has("And"):
		r.And = inner("And")
	case f.has("Or"):
		r.Or = inner("Or")
	case f.has("Not"):
		r.Not = p.rule(f.take("Not"), false)
	case !f.has("Variable"):
		p.complain(n, "needs Variable, And, Or or Not")
	default:
		r.Variable = f.optionalPath("Variable")
		for _, name := range n.names {
			if _, _, _, ok := splitOperator(name); ok && r.Operator == "" {
				r.Operator = name
				f.operand(r)
			}
		}
		if r.Operator == "" {
			p.complain(n, "has no comparison operator that is implemented")
		}
	}
	f.rest("a Choice rule")
	return r
}

func (f *fields) operand(r *Rule) {
	kind, _, path, _ := splitOperator(r.Operator)
	if path {
		r.OperandPath = f.optionalPath(r.Operator)
		return
	}
	n := f.take(r.Operator)
	r.Operand = n.value
	compare, ok := compares[kind]
	if !ok { // IsPresent and IsNull
		compare = compares["Boolean"]
	}
	if _, ok := compare(n.value, n.value); !ok {
		f.complain(n, "is of the wrong type for %s", r.Operator)
	}
}
