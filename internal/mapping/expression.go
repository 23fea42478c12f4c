package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/optimizer"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

const (
	// maxNodes bounds the size of one expression.
	maxNodes = 1000
	// rowPrefix begins the variables that stand for columns, so that no column hides a function.
	rowPrefix = "row:"
	// joinedName is the variable with the joined record.
	joinedName = "joined"
)

// libraryFunctions are the expression library's own functions that a mapping may use: those whose work and whose result
// are bounded by their arguments. The others either grow their result (repeat), or are replaced in functions.go.
var libraryFunctions = map[string]bool{
	"all": true, "none": true, "any": true, "one": true, "filter": true, "map": true, "find": true, "findIndex": true,
	"findLast": true, "findLastIndex": true, "count": true, "len": true, "type": true, "abs": true, "ceil": true,
	"floor": true, "round": true, "first": true, "last": true, "take": true, "get": true, "keys": true, "values": true,
	"reverse": true, "sort": true, "duration": true, "date": true,
}

// predicates are those of them that run a predicate over a list.
var predicates = map[string]bool{
	"all": true, "none": true, "any": true, "one": true, "filter": true, "map": true, "find": true, "findIndex": true,
	"findLast": true, "findLastIndex": true, "count": true,
}

// expression is one expression of a mapping, compiled.
type expression struct {
	place   string
	reads   []int // the variables that it reads, in no order
	joined  bool  // it reads the joined record
	direct  int   // the variable that it is, without any computation; -1 if it is another expression
	hashes  bool  // it calls a hash function
	program *vm.Program
}

// compilation compiles the expressions of one mapping.
type compilation struct {
	state     *state
	variables []string // names of columns that expressions read
	// joinedNames are the members of the joined record that expressions read, all of them if joinedWhole.
	joinedNames []string
	joinedWhole bool
	mistakes    []Mistake
}

func (c *compilation) mistake(place, format string, args ...any) {
	c.mistakes = append(c.mistakes, Mistake{Place: place, Message: fmt.Sprintf(format, args...)})
}

// variable returns the number of the variable for a column.
func (c *compilation) variable(name string) int {
	n := slices.Index(c.variables, name)
	if n < 0 {
		n = len(c.variables)
		c.variables = append(c.variables, name)
	}
	return n
}

// config returns the library's configuration: no environment, no built-in functions but the allowed ones, and ours.
func (c *compilation) config() *conf.Config {
	config := conf.CreateNew()
	options := []expr.Option{
		expr.Env(map[string]any{}), expr.AllowUndefinedVariables(), expr.AsAny(), expr.MaxNodes(maxNodes),
		expr.DisableAllBuiltins(),
	}
	for name := range libraryFunctions {
		options = append(options, expr.EnableBuiltin(name))
	}
	for name, f := range functions {
		options = append(options, expr.Function(name, c.state.bind(f)))
	}
	for _, option := range options {
		option(config)
	}
	for name := range config.Disabled {
		delete(config.Builtins, name)
	}
	return config
}

// compile compiles one expression. It records what is wrong with it as mistakes.
func (c *compilation) compile(place, text string) *expression {
	e := &expression{place: place, direct: -1}
	before := len(c.mistakes)
	config := c.config()
	tree, err := parser.ParseWithConfig(text, config)
	if err != nil {
		c.fault(place, err)
		return e
	}
	r := rewriter{compilation: c, expression: e}
	r.rewrite(&tree.Node, nil)
	if len(c.mistakes) > before {
		return e
	}
	if name, ok := tree.Node.(*ast.IdentifierNode); ok && len(e.reads) == 1 && name.Value != joinedName {
		e.direct = e.reads[0]
		return e
	}
	if _, err = checker.Check(tree, config); err == nil {
		if err = optimizer.Optimize(&tree.Node, config); err == nil {
			e.program, err = compiler.Compile(tree, config)
		}
	}
	if err != nil {
		c.fault(place, err)
	}
	return e
}

// fault records an error of the library, with its position.
func (c *compilation) fault(place string, err error) {
	if at, ok := errors.AsType[*file.Error](err); ok {
		c.mistake(place+":"+strconv.Itoa(at.From+1), "%s", at.Message)
		return
	}
	c.mistake(place, "%v", err)
}

// rewriter prepares one expression: columns become variables, and everything that could grow without bound is replaced
// by a bounded function or refused.
type rewriter struct {
	*compilation
	*expression
}

func (r *rewriter) refuse(node ast.Node, format string, args ...any) {
	r.mistake(r.place+":"+strconv.Itoa(node.Location().From+1), format, args...)
}

// rewrite rewrites a node and those below it. locals are the names that let declares around it.
func (r *rewriter) rewrite(at *ast.Node, locals []string) {
	switch node := (*at).(type) {
	case *ast.IdentifierNode:
		r.identifier(at, node, locals)
	case *ast.MemberNode:
		r.member(at, node, locals)
	case *ast.UnaryNode:
		r.rewrite(&node.Node, locals)
	case *ast.BinaryNode:
		r.binary(at, node, locals)
	case *ast.ChainNode:
		r.rewrite(&node.Node, locals)
	case *ast.SliceNode:
		r.rewrite(&node.Node, locals)
		r.optional(&node.From, locals)
		r.optional(&node.To, locals)
	case *ast.CallNode:
		r.call(node, locals)
	case *ast.BuiltinNode:
		r.builtin(node, locals)
	case *ast.PredicateNode:
		r.rewrite(&node.Node, locals)
		ast.Patch(&node.Node, &ast.CallNode{
			Callee: &ast.IdentifierNode{Value: stepName}, Arguments: []ast.Node{node.Node},
		})
	case *ast.ConditionalNode:
		r.rewrite(&node.Cond, locals)
		r.rewrite(&node.Exp1, locals)
		r.rewrite(&node.Exp2, locals)
	case *ast.VariableDeclaratorNode:
		r.rewrite(&node.Value, locals)
		r.rewrite(&node.Expr, append(slices.Clip(locals), node.Name))
	case *ast.SequenceNode:
		r.all(node.Nodes, locals)
	case *ast.ArrayNode:
		r.all(node.Nodes, locals)
	case *ast.MapNode:
		r.all(node.Pairs, locals)
	case *ast.PairNode:
		r.rewrite(&node.Key, locals)
		r.rewrite(&node.Value, locals)
	}
}

func (r *rewriter) all(nodes []ast.Node, locals []string) {
	for i := range nodes {
		r.rewrite(&nodes[i], locals)
	}
}

func (r *rewriter) optional(node *ast.Node, locals []string) {
	if *node != nil {
		r.rewrite(node, locals)
	}
}

// identifier turns a column's name into its variable.
func (r *rewriter) identifier(at *ast.Node, node *ast.IdentifierNode, locals []string) {
	name := node.Value
	_, ours := functions[name]
	switch {
	case slices.Contains(locals, name):
	case name == joinedName:
		r.joined, r.joinedWhole = true, true
	case name == "row":
		r.refuse(node, `row is used with the name of a column only, as in row["Primary Email"]`)
	case name == "$env":
		r.refuse(node, "$env is not available")
	case ours || libraryFunctions[name]:
		r.refuse(node, `%s is a function; a column of that name is row["%s"]`, name, name)
	default:
		r.column(at, name)
	}
}

func (r *rewriter) column(at *ast.Node, name string) {
	n := r.variable(name)
	if !slices.Contains(r.reads, n) {
		r.reads = append(r.reads, n)
	}
	ast.Patch(at, &ast.IdentifierNode{Value: rowPrefix + name})
}

func (r *rewriter) member(at *ast.Node, node *ast.MemberNode, locals []string) {
	name, isName := node.Node.(*ast.IdentifierNode)
	if isName && name.Value == "row" && !slices.Contains(locals, "row") {
		if column, ok := node.Property.(*ast.StringNode); ok {
			r.column(at, column.Value)
			return
		}
	}
	if isName && name.Value == joinedName && !slices.Contains(locals, joinedName) {
		if member, ok := node.Property.(*ast.StringNode); ok {
			r.joined = true
			r.joinedNames = append(r.joinedNames, member.Value)
			return
		}
	}
	r.rewrite(&node.Node, locals)
	r.rewrite(&node.Property, locals)
}

func (r *rewriter) binary(at *ast.Node, node *ast.BinaryNode, locals []string) {
	r.rewrite(&node.Left, locals)
	r.rewrite(&node.Right, locals)
	switch node.Operator {
	case "..":
		r.refuse(node, "ranges are not available")
	case "+":
		ast.Patch(at, &ast.CallNode{
			Callee: &ast.IdentifierNode{Value: addName}, Arguments: []ast.Node{node.Left, node.Right},
		})
	case "contains", "startsWith", "endsWith", "matches":
		node.Left = orElse(node.Left, &ast.StringNode{})
	}
}

// orElse returns node ?? other.
func orElse(node, other ast.Node) ast.Node {
	result := &ast.BinaryNode{Operator: "??", Left: node, Right: other}
	result.SetLocation(node.Location())
	return result
}

func (r *rewriter) call(node *ast.CallNode, locals []string) {
	callee, ok := node.Callee.(*ast.IdentifierNode)
	if !ok {
		r.refuse(node, "only functions can be called")
		return
	}
	f, ok := functions[callee.Value]
	switch {
	case !ok || f.hidden:
		r.refuse(node, "there is no function %s", callee.Value)
	case len(node.Arguments) < f.least || len(node.Arguments) > f.most:
		r.refuse(node, "%s takes %s, not %d", callee.Value, f.arity(), len(node.Arguments))
	}
	r.hashes = r.hashes || f.hash
	r.all(node.Arguments, locals)
}

func (r *rewriter) builtin(node *ast.BuiltinNode, locals []string) {
	if !libraryFunctions[node.Name] {
		r.refuse(node, "the function %s is not available in a mapping", node.Name)
		return
	}
	r.all(node.Arguments, locals)
	if predicates[node.Name] && len(node.Arguments) > 0 {
		node.Arguments[0] = orElse(node.Arguments[0], &ast.ArrayNode{})
	}
}
