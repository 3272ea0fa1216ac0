//! `castspec hub --allow-origin` and `--callbacks-to`: what the hub has to do with others than this machine.

use clap::Args;

use castspec_hub::{CallbackHost, CallbackHosts, Origin, Origins};

/// Who may reach the hub from a browser, and whom the hub reaches.
#[derive(Debug, Clone, Args)]
pub(super) struct ReachArguments {
    /// Let pages of this origin use the hub from a browser, beside those of this machine; * lets all (may be given more than
    /// once)
    #[arg(long, value_name = "ORIGIN|*")]
    allow_origin: Vec<Origin>,

    /// Call webhooks at this host, beside those on this machine: host or host:port; * calls all (may be given more than once)
    #[arg(long, value_name = "HOST")]
    callbacks_to: Vec<CallbackHost>,
}

impl ReachArguments {
    pub(super) fn origins(&self) -> Origins {
        Origins::with(self.allow_origin.iter().cloned())
    }

    pub(super) fn callbacks_to(&self) -> CallbackHosts {
        CallbackHosts::with(self.callbacks_to.iter().cloned())
    }
}
