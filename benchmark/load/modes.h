/* The modes. Each fills the run and returns 0, or a negative errno when it could not even
 * begin; what goes wrong later is counted in run->errors. */
#ifndef SEA_LOAD_MODES_H
#define SEA_LOAD_MODES_H

#include "options.h"
#include "run.h"

int sea__load_echo(sea_run_t *run, const sea_load_options_t *options);
int sea__load_churn(sea_run_t *run, const sea_load_options_t *options);
int sea__load_broadcast(sea_run_t *run, const sea_load_options_t *options);
int sea__load_upload(sea_run_t *run, const sea_load_options_t *options);
int sea__load_download(sea_run_t *run, const sea_load_options_t *options);
int sea__load_slow(sea_run_t *run, const sea_load_options_t *options);
int sea__load_http(sea_run_t *run, const sea_load_options_t *options);
int sea__load_idle(sea_run_t *run, const sea_load_options_t *options);

#endif
