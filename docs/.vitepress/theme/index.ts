import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import Effect from './Effect.vue'
import Measured from './Measured.vue'
import Step from './Step.vue'
import Verdict from './Verdict.vue'
import './style.css'

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    // Otherwise a page that fails to render is written half empty, and the build succeeds.
    app.config.throwUnhandledErrorInProduction = import.meta.env.SSR
    app.component('Effect', Effect)
    app.component('Measured', Measured)
    app.component('Step', Step)
    app.component('Verdict', Verdict)
  },
} satisfies Theme
