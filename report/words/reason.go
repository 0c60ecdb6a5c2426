package words

import (
	"github.com/cidbench/cidbench/report/model"
)

func Reason(c *model.Claim, r *model.Report) string { return "" }
func Differs(row model.Across) string { return "" }
func Going(r *model.Report) string { return "" }
