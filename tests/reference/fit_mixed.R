# Data sets that lme4 ships, and what lmer with lmerTest makes of them, as JSON:
#   Rscript fit_mixed.R > fit_mixed.json
# Predictions are of the first, a middle and the last row, with random effects (`own`) and without (`population`).
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
tight <- lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12, maxeval = 100000), calc.derivs = FALSE)
cake$temperature <- factor(as.character(cake$temperature))  # treatment contrasts, as of any factor
holed <- sleepstudy
holed$Days[4] <- NA
holed$Reaction[c(6, 100)] <- NA

fit_of <- function(formula, data, reml = TRUE) {
  lmer <- function(...) suppressMessages(suppressWarnings(lmerTest::lmer(formula, data, REML = reml, control = tight, ...)))
  fit <- lmer()
  for (again in 1:5) fit <- lmer(start = getME(fit, "theta"))
  fixed <- summary(fit, ddf = "Satterthwaite")$coefficients
  some <- model.frame(fit)[c(1, nobs(fit) %/% 2, nobs(fit)), ]
  list(data = data, formula = unbox(paste(deparse(formula), collapse = " ")), reml = unbox(reml),
       criterion = unbox(-2 * as.numeric(logLik(fit))), terms = rownames(fixed), estimate = unname(fixed[, 1]),
       se = unname(fixed[, 2]), df = unname(fixed[, 3]), t = unname(fixed[, 4]), p = unname(fixed[, 5]),
       random = as.data.frame(VarCorr(fit)), n = unbox(nobs(fit)), groups = as.list(ngrps(fit)),
       scaled_residuals = unname(quantile(resid(fit, "pearson", scaled = TRUE))), some = some,
       own = unname(predict(fit, some)), population = unname(predict(fit, some, re.form = NA)))
}

cat(toJSON(list(
  sleepstudy = fit_of(Reaction ~ Days + (Days | Subject), sleepstudy),
  sleepstudy_ml = fit_of(Reaction ~ Days + (Days | Subject), sleepstudy, FALSE),
  holed = fit_of(Reaction ~ Days + (Days || Subject), holed),
  dyestuff = fit_of(Yield ~ 1 + (1 | Batch), Dyestuff),
  penicillin = fit_of(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin),
  cake = fit_of(angle ~ recipe * temperature + (1 | recipe:replicate), cake),
  versions = list(R = unbox(as.character(getRversion())), lme4 = unbox(as.character(packageVersion("lme4"))),
                  lmerTest = unbox(as.character(packageVersion("lmerTest"))))
), digits = NA, na = "null"), "\n")
