# What R's model.matrix and lme4's lFormula make of formulas, and lme4's REML fits of some, as JSON:
#   Rscript formulas.R > formulas.json
# A column is stored as its products with sin(1:n) and cos(1:n); lme4's own warnings of dropped columns are its rule.
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
d <- read.csv(file.path(here, "mixed_models_unbalanced.csv"))
names(d) <- sub("source.", "", names(d), fixed = TRUE)
run <- as.integer(sub("r", "", d$run_id))
strategies <- c("SS-R", "MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR")
d$n_star <- ifelse(d$strategy == "SS-R", 0, d$n_sources - 2)
d$r_star <- (match(d$strategy, strategies) - 1) / 5
d$strategy <- factor(d$strategy, levels = strategies)
d$width <- c(0.5, 1, 2)[run %% 3 + 1]
d$act <- factor(c("relu", "gelu", "elu")[run %/% 3 %% 3 + 1], levels = c("relu", "gelu", "elu"))

matrices <- c(
  "strategy", "0 + strategy", "n_star - 1", "strategy * n_star", "strategy + strategy:n_star", "strategy:n_star",
  "0 + strategy:n_star", "0 + n_star + n_star:strategy", "act * strategy", "act:strategy", "0 + act:strategy",
  "0 + act + strategy", "0 + act + strategy + act:strategy", "act + act:strategy", "strategy:act + act",
  "n_star + strategy:act", "(strategy + act + n_star)^2", "(strategy + act + n_star)^2 - act:strategy",
  "act / strategy", "strategy / n_star / width", "act * width * n_star - act:width:n_star",
  "s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + n_sources", "log(width) * act + I(n_star^2)", "factor(n_sources) + act:width",
  "act * strategy - act", "width:act + act", "n_star:width + act:n_star", "0 + act * target - act:target + 1",
  "act:target + target:n_star", "strategy + (act + n_star)"
)
bars <- c(
  "(1 | target)", "(n_star | target)", "(0 + n_star | target)", "(n_star || target)", "(strategy || target)",
  "(strategy * n_star || target)", "(0 + act || target)", "(act | target)", "(0 + act:n_star | target)",
  "(1 | act / target)", "(n_star | act / strategy / target)", "(1 | act:target)", "(n_star + width || act:target)",
  "(1 | target) + (1 | run_id) + (0 + act | n_sources)", "(act * n_star | target)"
)
fits <- c(
  "strategy * n_star + (1 | target)", "r_star + n_star + (1 + n_star | target)", "act + n_star + (n_star || target)",
  "strategy + (1 | target) + (1 | run_id)", "width + (1 | act / target)", "0 + act + (0 + act | target)"
)

products <- function(m) lapply(setNames(seq_len(ncol(m)), colnames(m)), function(k)
  c(sum(m[, k] * sin(seq_len(nrow(m)))), sum(m[, k] * cos(seq_len(nrow(m))))))
loose <- lmerControl(check.rankX = "silent.drop.cols", check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore",
                     check.nlev.gtr.1 = "ignore", check.nobs.vs.rankZ = "ignore")

fixed_of <- function(text) {
  x <- lFormula(as.formula(paste("score ~", text, "+ (1 | target)")), d, control = loose)$X
  list(terms = attr(terms(as.formula(paste("~", text))), "term.labels"), columns = products(x),
       dropped = names(attr(x, "col.dropped")))
}
random_of <- function(text) {
  re <- lFormula(as.formula(paste("score ~ 1 +", text)), d, control = loose)$reTrms
  lapply(seq_along(re$cnms), function(k) {
    q <- length(re$cnms[[k]])
    columns <- sapply(seq_len(q), function(j) colSums(as.matrix(re$Ztlist[[k]][seq(j, nrow(re$Ztlist[[k]]), q), , drop = FALSE])))
    colnames(columns) <- re$cnms[[k]]
    list(group = unbox(names(re$cnms)[k]), n_levels = unbox(nrow(re$Ztlist[[k]]) / q), columns = products(columns))
  })
}
tight <- lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12, maxeval = 100000), calc.derivs = FALSE)
fit_of <- function(formula, data) {
  lmer <- function(...) suppressMessages(suppressWarnings(lmerTest::lmer(formula, data, control = tight, ...)))
  fit <- lmer()
  for (again in 1:5) fit <- lmer(start = getME(fit, "theta"))
  fixed <- summary(fit, ddf = "Satterthwaite")$coefficients
  spread <- as.data.frame(VarCorr(fit))
  list(criterion = unbox(as.numeric(REMLcrit(fit))), terms = rownames(fixed), estimate = unname(fixed[, 1]),
       se = unname(fixed[, 2]), df = unname(fixed[, 3]), groups = as.list(ngrps(fit)), random = spread)
}
named <- function(texts, f) lapply(setNames(texts, texts), f)
cat(toJSON(list(
  fixed = named(matrices, fixed_of), random = named(bars, random_of),
  fits = named(fits, function(text) fit_of(as.formula(paste("score ~", text)), d)),
  sleepstudy = list(rows = sleepstudy, fit = fit_of(Reaction ~ Days + (Days | Subject), sleepstudy)),
  versions = list(R = unbox(as.character(getRversion())), lme4 = unbox(as.character(packageVersion("lme4"))))
), digits = NA), "\n")
