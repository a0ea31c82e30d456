# Fits the models of the analysis with lme4 and lmerTest to mixed_models_*.csv and prints their numbers as JSON:
#   Rscript mixed_models.R [case ...] > mixed_models.json
# The factor's levels are written out as columns: `||` would leave them correlated.
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
tight <- lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12, maxeval = 100000), calc.derivs = FALSE)
strategies <- c("SS-R", "MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR")

read <- function(case) {
  d <- read.csv(file.path(here, paste0("mixed_models_", case, ".csv")))
  d$n_star <- ifelse(d$strategy == "SS-R", 0, d$n_sources - 2)
  d$r_star <- (match(d$strategy, strategies) - 1) / 5
  d$rn <- d$r_star * d$n_star
  d$with_runs <- d$score + 0.4 * sin(17 * as.integer(sub("r", "", d$run_id)))  # so that runs differ
  for (k in seq_along(strategies)) {
    d[[paste0("i", k)]] <- as.numeric(d$strategy == strategies[k])
    if (k > 1) d[[paste0("k", k)]] <- d[[paste0("i", k)]] * d$n_star
  }
  d
}

fitted_numbers <- function(formula, data, reml = TRUE) {
  lmer <- function(...) {
    suppressMessages(suppressWarnings(lmerTest::lmer(formula, data, REML = reml, control = tight, ...)))
  }
  fit <- lmer()
  for (again in 1:5) fit <- lmer(start = getME(fit, "theta"))  # its optimiser stops early; from its own answer it goes on
  fixed <- summary(fit, ddf = "Satterthwaite")$coefficients
  list(criterion = unbox(-2 * as.numeric(logLik(fit))), random = random_numbers(fit), modes = modes_numbers(fit),
       sigma = unbox(sigma(fit)), estimate = unname(fixed[, 1]), se = unname(fixed[, 2]), df = unname(fixed[, 3]),
       p = unname(fixed[, 5]), last_less_first = last_less_first(fit, nrow(fixed)))
}

random_numbers <- function(fit) {  # without `other`, a standard deviation over the residual's; with it, a correlation
  table <- subset(as.data.frame(VarCorr(fit)), grp != "Residual")
  data.frame(group = sub("\\.[0-9]+$", "", table$grp), term = table$var1, other = table$var2,
             value = table$sdcor / ifelse(is.na(table$var2), sigma(fit), 1))
}

modes_numbers <- function(fit) {  # the first and the last of each random coefficient
  table <- as.data.frame(ranef(fit, condVar = TRUE))
  table <- do.call(rbind, lapply(split(table, paste(table$grpvar, table$term)), function(one) one[c(1, nrow(one)), ]))
  data.frame(group = table$grpvar, level = as.character(table$grp), term = as.character(table$term),
             mode = table$condval, se = table$condsd)
}

last_less_first <- function(fit, p) {
  row <- lmerTest::contest1D(fit, c(-1, rep(0, p - 2), 1), ddf = "Satterthwaite")
  list(estimate = unbox(row[["Estimate"]]), se = unbox(row[["Std. Error"]]), df = unbox(row[["df"]]))
}

first <- c(paste0("i", 1:6), paste0("k", 2:6))
first_formula <- as.formula(paste("score ~ 0 +", paste(first, collapse = " + "), "+",
                                  paste0("(0 + ", first, " | target)", collapse = " + ")))
second_formula <- score ~ r_star + n_star + rn + (0 + r_star | target) + (0 + n_star | target) + (0 + rn | target)
components_formula <- as.formula(paste("score ~ 0 +", paste0("i", 2:6, collapse = " + "), "+",
                                       paste0("(1 | source.s", 0:7, ")", collapse = " + ")))

cases <- list(
  balanced_first = function() fitted_numbers(first_formula, read("balanced")),
  unbalanced_first = function() fitted_numbers(first_formula, read("unbalanced")),
  singular_first = function() fitted_numbers(first_formula, read("singular")),
  balanced_second = function() fitted_numbers(second_formula, read("balanced")),
  unbalanced_second = function() fitted_numbers(second_formula, read("unbalanced")),
  components = function() {
    d <- read("unbalanced")
    fitted_numbers(components_formula, d[d$target == "t0" & d$strategy != "SS-R", ])
  },
  unbalanced_first_ml = function() fitted_numbers(first_formula, read("unbalanced"), FALSE),
  unbalanced_crossed = function() fitted_numbers(update(first_formula, with_runs ~ . + (1 | run_id)), read("unbalanced")),
  unbalanced_nested = function() {
    fitted_numbers(score ~ n_star + (1 | target) + (1 | target:strategy), read("unbalanced"))
  },
  unbalanced_correlated = function() {
    fitted_numbers(with_runs ~ r_star + n_star + (0 + r_star + n_star | target) + (1 | run_id), read("unbalanced"))
  },
  unbalanced_correlated_singular = function() {
    fitted_numbers(score ~ r_star + n_star + (r_star + n_star | target) + (1 | run_id), read("unbalanced"))
  },
  sleepstudy = function() fitted_numbers(Reaction ~ Days + (Days | Subject), sleepstudy),
  sleepstudy_ml = function() fitted_numbers(Reaction ~ Days + (Days | Subject), sleepstudy, FALSE),
  sleepstudy_independent = function() fitted_numbers(Reaction ~ Days + (Days || Subject), sleepstudy)
)
asked <- commandArgs(TRUE)
numbers <- lapply(cases[if (length(asked)) asked else names(cases)], function(case) case())
numbers$versions <- list(lme4 = unbox(as.character(packageVersion("lme4"))),
                         lmerTest = unbox(as.character(packageVersion("lmerTest"))))
cat(toJSON(numbers, digits = NA, pretty = TRUE), "\n")
