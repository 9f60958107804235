import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import Measured from './Measured.vue'
import Step from './Step.vue'
import './style.css'

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('Measured', Measured)
    app.component('Step', Step)
  },
} satisfies Theme
